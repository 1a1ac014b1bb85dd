#!/usr/bin/env bash
# Runs `make shards` and, if SHARDS is set, `make up`: home, shards, front and parleyd on this machine. cluster.sh creates the
# clusters, ../local/instance.sh manages the instance.
#
#   SHARDS         number of shards, a power of two (2)
#   RUN_DIR        directory for all its files (.run)
#   PORT           the gateway's port on 127.0.0.1 (8080)
set -euo pipefail
. "$(dirname "$0")/../local/instance.sh"
packages=("postgresql-$postgres_major-plproxy")

check_count() {
	local count=${SHARDS:-2} had
	case $count in '' | *[!0-9]* | ?????* | 0*) die "SHARDS=$count is not a number of shards" "Choose a power of two, such as 2 or 4." ;; esac
	[ "$count" -le 1024 ] && [ $((count & (count - 1))) -eq 0 ] || die "SHARDS=$count is not a power of two up to 1024" "Choose 1, 2, 4 or 8."
	[ -e "$run_dir/several/created" ] || return 0
	had=$(cat "$run_dir/several/shards")
	[ -z "${SHARDS:-}" ] || [ "$had" -eq "$count" ] || die "$run_dir has $had shards, not $count" \
		"make up SHARDS=$had serves it; then bash deploy/shards/split.sh $run_dir/several doubles them."
}

in_shards() {
	bash "$root/deploy/shards/cluster.sh" "$1" "$run_dir/several" "${@:2}" 9>&-
}

start_databases() {
	if [ -e "$run_dir/several/created" ]; then
		in_shards stop
		step in_shards start
	else
		in_shards remove
		say "creating home, ${SHARDS:-2} shards and the front in $run_dir"
		step in_shards create "${SHARDS:-2}"
	fi
	home=$(readlink -f "$run_dir/several/front/cluster")
	PGHOST=$(in_shards socket)
	export PGHOST PGPORT=5432 PGDATABASE=parley
}

stop_databases() {
	in_shards stop
}

is_left_running() {
	[ -e "$run_dir/several/created" ]
}

show() {
	local shown=${run_dir#"$PWD"/}
	say "
parley answers at $url, from $(cat "$run_dir/several/shards") shards, for example

  curl -d '{\"phone\":\"+1 555 010 0001\"}' -H 'Content-Type: application/json' $url/users

split:  bash deploy/shards/split.sh $shown/several
. $shown/env && psql -c 'SELECT * FROM parley_front.audit()'    is in the front with the operator's rights
logs: $shown/parleyd.log, $shown/several/*/cluster/postgres.log"
}

case ${1:-} in
	run | up | background)
		check_count
		"$1"
		;;
	down) down ;;
	*) die "usage: shards.sh run|up|down" ;;
esac
