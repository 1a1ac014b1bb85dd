# shellcheck shell=bash
# Sourced by the other scripts here and by the tests: messages, where PostgreSQL is, and the owner of private clusters.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() {
	printf '%s\n' "$*"
}

# die PROBLEM [REMEDY…]
die() {
	printf 'parley: %s\n' "$1" >&2
	shift
	[ $# -eq 0 ] || printf '        %s\n' "$@" >&2
	exit 1
}

# The caller's PG* settings are for other databases, not for a private cluster.
for name in "${!PG@}"; do
	[ "$name" = PG_CONFIG ] || unset "$name"
done

# The distribution's own PostgreSQL, even if another one is installed.
# shellcheck source=/dev/null
debian=$(. /etc/os-release && echo "${VERSION_ID:-testing}")
case $debian in
	12) postgres_major=15 ;;
	13) postgres_major=17 ;;
	*) postgres_major=18 ;;
esac
debian_pg_config=/usr/lib/postgresql/$postgres_major/bin/pg_config
export PG_CONFIG=${PG_CONFIG:-$debian_pg_config}

# libh2o of Debian 12, which packages.sh unpacks here on newer releases: they have no package of it
h2o=/usr/local/lib/parley-h2o
if [ "$debian" != 12 ]; then
	h2o_lib=$h2o/usr/lib/$(uname -m)-linux-gnu
	export C_INCLUDE_PATH=$h2o/usr/include LIBRARY_PATH=$h2o_lib LD_RUN_PATH=$h2o_lib PKG_CONFIG_PATH=$h2o_lib/pkgconfig
fi

# PostgreSQL refuses to run as root, so if root runs this, clusters belong to the user of the Debian package.
owner=$(id -un)
[ "$(id -u)" -ne 0 ] || owner=postgres

# as_owner COMMAND…: runs it as the cluster's user, in a directory which that user can read, and without the caller's lock (fd 9)
as_owner() (
	cd /
	exec 9>&-
	[ "$(id -u)" -ne 0 ] || exec setpriv --reuid="$owner" --regid="$(id -g "$owner")" --init-groups -- "$@"
	exec "$@"
)

# copy_gateway PROGRAM TARGET: copies it to where the cluster's user can run it, and where a build does not affect it
copy_gateway() {
	as_owner sh -c 'cat >"$1" && chmod 755 "$1"' sh "$2" <"$1"
}

# copy_inbox DIR: copies the page to where the cluster's user can read it
copy_inbox() {
	tar -C "$root/inbox" -cf - . | as_owner sh -c 'rm -rf "$1" && mkdir "$1" && tar -C "$1" -xf -' sh "$1"
}

# exec_gateway [DEBUGGER…] PROGRAM OPTION…: becomes parleyd, which ends when the calling script does, even if that was killed
exec_gateway() {
	local as=(setpriv --pdeathsig TERM)
	[ "$(id -u)" -ne 0 ] || as+=(--reuid="$owner" --regid="$(id -g "$owner")" --init-groups)
	exec 9>&-
	cd /
	PGUSER=parley_gateway exec "${as[@]}" -- "$@"
}

# end PID [GROUP]: terminates a child, or a group and its leader PID, and waits until it is gone
end() {
	kill -- "${2:-$1}" 2>/dev/null || true
	timeout 20 tail -s 0.1 --pid="$1" -f /dev/null || kill -KILL -- "${2:-$1}"
}

# build TARGET-ARGUMENTS…: runs make without the options of the make that may have called us
build() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make --no-print-directory -s -j"$(nproc)" -C "$root" "$@"
}
