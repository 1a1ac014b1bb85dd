#!/usr/bin/env bash
# `make deb`: builds the Debian packages from a copy of the files in git, and puts them into dist/. Without git, as in a container, all
# files are copied.
set -euo pipefail
. "$(dirname "$0")/../local/common.sh"

bash "$root/deploy/local/packages.sh" build-essential debhelper dpkg-dev postgresql-server-dev-all
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
source=$tmp/parley
mkdir "$source"
cd "$root"
{ git ls-files -z --cached --others --exclude-standard 2>/dev/null || find . -type f -print0; } | tar --null -T - -c | tar -x -C "$source"
cp -a deploy/debian "$source/debian"
cd "$source"
# What was built in place does not look for its libraries where the packages have them.
build -C "$source" clean
build -C "$source/gateway" clean
pg_buildext updatecontrol
if [ -d "$h2o" ]; then
	# Put the library into the package, because no other package has it.
	export H2O_LIB=$h2o_lib H2O_LDFLAGS=-Wl,-rpath,/usr/lib/parleyd
	unset LD_RUN_PATH
fi
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u PG_CONFIG DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" \
	dpkg-buildpackage --unsigned-source --unsigned-changes --build=binary >"$tmp/log" 2>&1 || {
	tail -n 30 "$tmp/log" >&2
	die "the packages were not built"
}
mkdir -p "$root/dist"
cp "$tmp"/*.deb "$root/dist"
for package in "$tmp"/*.deb; do
	say "dist/${package##*/}"
done
