#!/usr/bin/env bash
# packages.sh [--tests] [PACKAGE…]: installs the missing Debian packages of those that are needed to build and run parley, with
# --tests also those for its tests, and the given PACKAGEs. Downloads nothing and does not need root if nothing is missing.
set -euo pipefail
. "$(dirname "$0")/common.sh"

server=("postgresql-$postgres_major" "postgresql-server-dev-$postgres_major")
build=(curl gcc libc6-dev libicu-dev libjansson-dev libjwt-dev libpq-dev libssl-dev make pkg-config)
tests=(check clang jq libclang-rt-dev openssl pgbouncer procps systemd valgrind)
# Debian 13 and later have no libh2o: see h2o.sh.
if [ "$debian" = 12 ]; then
	build+=(libh2o-evloop-dev)
	tests+=(nginx-light)
else
	build+=(libwslay1)
	tests+=(nginx)
fi

# Installing a database server or nginx would start it, and the postgresql package would create a cluster "main". Prevent both.
# What is there already is left alone.
no_service=/usr/sbin/policy-rc.d
no_main_cluster=/etc/postgresql-common/createcluster.d/parley.conf

is_installed() {
	[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Accept any Node.js that is newer than Debian's.
has_node() {
	local version
	version=$(node --version 2>/dev/null) || return 1
	version=${version#v}
	[ "${version%%.*}" -ge 18 ]
}

# Shows apt's status lines, "dlstatus:5:41.2:Retrieving file 5 of 80", as one line that is overwritten.
show_progress() {
	if [ -t 1 ]; then
		awk -F: '{ printf "\r\033[K  %3d %% %s", $3, substr($4, 1, 60); fflush() } END { printf "\r\033[K" }'
	else
		cat >/dev/null
	fi
}

install_packages() {
	local sudo=() log
	log=$(mktemp)
	if [ "$(id -u)" -eq 0 ]; then
		say "installing from Debian: $*"
	else
		command -v sudo >/dev/null || die "packages are missing, and there is no sudo to install them with" \
			"As root: apt-get install $*"
		say "installing from Debian: $*; needs root: using sudo"
		sudo=(sudo)
	fi
	# shellcheck disable=SC2016 # the inner shell expands it
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive sh -euc '
		no_service=$1 no_main_cluster=$2 ours=$2; shift 2
		trap "rm -f \$ours" EXIT
		trap "exit 1" INT TERM HUP
		if [ ! -e "$no_service" ]; then
			ours="$ours $no_service"
			printf "#!/bin/sh\nexit 101\n" >"$no_service"
			chmod +x "$no_service"
		fi
		mkdir -p "${no_main_cluster%/*}"
		echo "create_main_cluster = false" >"$no_main_cluster"
		apt-get update -qq >/dev/null
		apt-get install -qq -y --no-install-recommends -o APT::Status-Fd=3 -o Dpkg::Use-Pty=0 "$@" 3>&1 >/dev/null
	' sh "$no_service" "$no_main_cluster" "$@" 2>"$log" | show_progress || {
		tail -n 20 "$log" >&2
		die "apt-get could not install: $*" "Its output is above and in $log."
	}
	rm "$log"
}

command -v apt-get >/dev/null || die "this needs apt-get and the packages of Debian"
wanted=("${build[@]}")
if [ "${1:-}" = --tests ]; then
	shift
	wanted+=("${tests[@]}")
	has_node || wanted+=(nodejs)
fi
wanted+=("$@")
# A PostgreSQL selected by PG_CONFIG replaces Debian's.
[ "$PG_CONFIG" != "$debian_pg_config" ] || wanted+=("${server[@]}")

missing=()
for package in "${wanted[@]}"; do
	is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
if [ "$debian" != 12 ] && [ ! -d "$h2o/usr/include" ]; then
	say "unpacking Debian 12's libh2o in $h2o"
	as_root=()
	[ "$(id -u)" -eq 0 ] || as_root=(sudo)
	"${as_root[@]}" bash "$root/deploy/local/h2o.sh" "$h2o"
fi

version=$("$PG_CONFIG" --version) || die "PG_CONFIG=$PG_CONFIG does not run" "Leave it unset to use Debian's PostgreSQL."
case $version in
	"PostgreSQL 1"[5-8]*) ;;
	*) die "PG_CONFIG=$PG_CONFIG is $version, and parley needs PostgreSQL 15 to 18" "Leave it unset to use Debian's." ;;
esac
