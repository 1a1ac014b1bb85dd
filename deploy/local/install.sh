#!/usr/bin/env bash
# Builds the extension, the gateway and the generator, and installs the extension in PostgreSQL's directories.
set -euo pipefail
. "$(dirname "$0")/common.sh"

say "building the extension, the gateway and the generator"
build all
build -C gateway
build -C bench

# Compares what `make install` would copy first, so that root is needed only if something has changed.
share=$("$PG_CONFIG" --sharedir)/extension
lib=$("$PG_CONFIG" --pkglibdir)
cd "$root"
is_installed() {
	local file
	for file in parley.control extension/parley--*.sql extension/upgrade/parley--*.sql extension/front/*; do
		cmp -s "$file" "$share/${file##*/}" || return
	done
	cmp -s parley.so "$lib/parley.so"
}

if is_installed; then
	exit
fi
if [ -w "$share" ] && [ -w "$lib" ]; then
	say "installing the extension in $lib"
	build install >/dev/null
else
	command -v sudo >/dev/null || die "installing the extension in $lib needs root, and there is no sudo" "As root: make install"
	say "installing the extension in $lib; needs root: using sudo"
	sudo make -s -C "$root" install PG_CONFIG="$PG_CONFIG" >/dev/null
fi
