#!/usr/bin/env bash
# The development interface behind `make run`, `up`, `down`, `populate`, `debug` and `clean-run`.
#
#   RUN_DIR        the directory of one instance (.run): its cluster, env for the shell, logs
#   PORT           the gateway's port on 127.0.0.1 (8080)
#   PG_CONFIG      pg_config of the PostgreSQL to use, 15 to 18 (Debian's)
#   DEMO_CONTACTS, DEMO_MESSAGES     the demo data of a new database (2000, 100000; with 0 messages, none)
#   CONTACTS, MESSAGES, CSV, SEED    for populate (100000, 5000000, generated texts, 1)
#   REPLACE=1                        lets populate delete data that it did not generate, or that has changed since
#
# instance.sh is how it owns an instance.
set -euo pipefail
. "$(dirname "$0")/instance.sh"

cluster=$run_dir/cluster

in_cluster() {
	bash "$root/deploy/local/cluster.sh" "$1" "$run_dir" "${@:2}" 9>&-
}

# check_space MEGABYTES: checks the file system where the cluster is, or will be
check_space() {
	local directory=$run_dir left
	[ ! -e "$cluster" ] || directory=$(readlink -f "$cluster")
	left=$(df --output=avail -m "$directory" | tail -n 1)
	[ "$left" -ge "$1" ] || die "the disk is full: $((left)) MB left in $directory" \
		"Make room, or choose another directory: make run RUN_DIR=/somewhere/else"
}

version=$(sed -nE "s/^default_version = '(.*)'/\1/p" "$root/parley.control")

# schema_version SCRIPT
schema_version() {
	sha256sum <"$1"
}

# RUN_DIR/schema exists if the database was created, and identifies the install script that created it.
start_cluster() {
	local script=$root/extension/parley--$version.sql
	check_space 500
	if [ -e "$run_dir/schema" ] && [ ! -e "$cluster/data/PG_VERSION" ]; then
		say "the data in $run_dir is gone: starting from scratch"
		rm "$run_dir/schema"
	fi
	if [ ! -e "$run_dir/schema" ]; then
		in_cluster remove
		say "creating a private PostgreSQL cluster in $run_dir"
		step in_cluster create
		step in_cluster start
		step in_cluster database parley
		schema_version "$script" >"$run_dir/schema"
	elif [ "$(schema_version "$root/extension/upgrade/parley--1.0.sql")" = "$(cat "$run_dir/schema")" ]; then
		say "updating the database in $run_dir from 1.0 to $version"
		in_cluster stop
		step in_cluster start
		step in_cluster update parley
		schema_version "$script" >"$run_dir/schema"
	elif [ "$(schema_version "$script")" != "$(cat "$run_dir/schema")" ]; then
		die "the database in $run_dir was created by another version of the extension" \
			"make clean-run deletes it; the next make run creates a new one." \
			"Or keep it and run this version elsewhere: make run RUN_DIR=.run2"
	else
		in_cluster stop
		step in_cluster start
	fi
	PGHOST=$(in_cluster socket)
	export PGHOST PGPORT=5432 PGDATABASE=parley
}

load_demo() {
	[ ! -e "$run_dir/demo" ] || return 0
	if [ "${DEMO_MESSAGES:-100000}" -gt 0 ]; then
		say "loading demo data"
		PGUSER=postgres step "$root/bench/populate" --contacts "${DEMO_CONTACTS:-2000}" --messages "${DEMO_MESSAGES:-100000}" \
			--story "$root/bench/story.sql" || {
			check_space 100
			die "the demo data was not loaded" "The error is above. The next make run starts again."
		}
	fi
	touch "$run_dir/demo"
}

start_databases() {
	start_cluster
	load_demo
	home=$(readlink -f "$cluster")
}

stop_databases() {
	in_cluster stop
}

is_left_running() {
	[ -e "$cluster/data/postmaster.pid" ]
}

show() {
	local shown=${run_dir#"$PWD"/}
	say "
the inbox: $url/inbox/

parley answers at $url, for example

  curl '$url/conversations?limit=3'
  curl '$url/conversations?limit=3&searchValue=photo'

. $shown/env && psql    is in its database with the operator's rights
logs: $shown/parleyd.log, $shown/cluster/postgres.log"
}

populate() {
	local csv=() replace=()
	[ -e "$run_dir/env" ] && is_running || die "nothing is running in $run_dir" "make up first."
	[ -z "${CSV:-}" ] || csv=(--csv "$CSV")
	[ -z "${REPLACE:-}" ] || replace=(--replace)
	build -C bench
	PGHOST=$(in_cluster socket) PGPORT=5432 PGDATABASE=parley PGUSER=postgres exec "$root/bench/populate" \
		--contacts "${CONTACTS:-100000}" --messages "${MESSAGES:-5000000}" --seed "${SEED:-1}" "${csv[@]}" "${replace[@]}"
}

# parleyd reads SIGINT from a descriptor, so Ctrl-C in gdb could not stop it. Instead, it runs next to the prompt, and in non-stop
# mode a breakpoint stops only the thread that hits it.
debug() {
	packages+=(gdb)
	prepare
	own_instance
	write_env
	say "
parleyd under gdb, answering at $url. interrupt -a stops it, continue -a & goes on, quit ends everything.
Its backends are processes of their own. To attach to one:
  gdb -p \$(. ${run_dir#"$PWD"/}/env && psql -AtU postgres -c \"SELECT min(pid) FROM pg_stat_activity WHERE usename = 'parley_gateway'\")
"
	trap : INT
	exec 3<&0
	debugger=(gdb -q -ex 'set pagination off' -ex 'set non-stop on' -ex 'handle SIGPIPE nostop noprint' -ex 'run &' --args)
	start_gateway <&3 3<&- &
	parleyd_pid=$!
	while kill -0 "$parleyd_pid" 2>/dev/null; do
		wait "$parleyd_pid" || true
	done
}

clean_run() {
	! is_running || die "$run_dir is in use by process $(cat "$run_dir/lock")" "make down first."
	[ ! -e "$cluster" ] || in_cluster remove
	if [ -e "$run_dir/several" ]; then
		bash "$root/deploy/shards/cluster.sh" remove "$run_dir/several"
		rmdir "$run_dir/several"
	fi
	[ ! -e "$run_dir/machines" ] || bash "$root/deploy/ha/cluster.sh" remove "$run_dir"
	rm -f "$run_dir"/{cluster,lock,env,schema,demo,parleyd.log}
	[ ! -d "$run_dir" ] || rmdir --ignore-fail-on-non-empty "$run_dir"
}

case ${1:-} in
	run | up | background | down | populate | debug) "$1" ;;
	clean-run) clean_run ;;
	*) die "usage: parley.sh run|up|down|populate|debug|clean-run" ;;
esac
