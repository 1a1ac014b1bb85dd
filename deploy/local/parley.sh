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
# This script is the process that owns an instance: it holds the lock on RUN_DIR/lock (fd 9), and parleyd is its child. However it
# ends, it stops both. `up` runs the same process in the background, and `down` signals it to end.
set -euo pipefail
. "$(dirname "$0")/common.sh"

run_dir=$(readlink -m "$root/${RUN_DIR:-.run}")
case ${RUN_DIR:-} in /*) run_dir=$(readlink -m "$RUN_DIR") ;; esac
port=${PORT:-8080}
url=http://127.0.0.1:$port
cluster=$run_dir/cluster
step_pid=
parleyd_pid=
owns_instance=

# step COMMAND…: waits for the command, but still handles signals. It has its own process group, which stop_all can end as a
# whole.
step() {
	set -m
	"$@" 9>&- &
	set +m
	step_pid=$!
	local status=0
	wait "$step_pid" || status=$?
	step_pid=
	return "$status"
}

in_cluster() {
	bash "$root/deploy/local/cluster.sh" "$1" "$run_dir" "${@:2}" 9>&-
}

check_port() {
	case $port in '' | *[!0-9]* | ??????*) die "PORT=$port is not a port number" ;; esac
	[ "$port" -ge 1 ] && [ "$port" -le 65535 ] || die "PORT=$port is not a port number" "Choose one from 1 to 65535."
	! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null ||
		die "port $port is taken" "Choose another: make run PORT=$((port + 1)) RUN_DIR=${RUN_DIR:-.run}"
}

# check_space MEGABYTES: checks the file system where the cluster is, or will be
check_space() {
	local directory=$run_dir left
	[ ! -e "$cluster" ] || directory=$(readlink -f "$cluster")
	left=$(df --output=avail -m "$directory" | tail -n 1)
	[ "$left" -ge "$1" ] || die "the disk is full: $((left)) MB left in $directory" \
		"Make room, or choose another directory: make run RUN_DIR=/somewhere/else"
}

prepare() {
	bash "$root/deploy/local/packages.sh" "$@"
	bash "$root/deploy/local/install.sh"
}

# The holder of the lock runs the instance. Its process id is in the file.
take_lock() {
	mkdir -p "$run_dir"
	exec 9<>"$run_dir/lock"
	flock -n 9 || die "$run_dir is in use by process $(cat "$run_dir/lock")" \
		"make down stops it; make run RUN_DIR=.run2 PORT=$((port + 1)) starts another one."
	printf '%s\n' $$ >"$run_dir/lock"
	owns_instance=yes
}

is_running() {
	[ -e "$run_dir/lock" ] && ! flock -n "$run_dir/lock" true
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

is_ready() {
	curl -fs -o /dev/null --max-time 5 "$url/ready"
}

gateway_failed() {
	tail -n 5 "$run_dir/parleyd.log" >&2
	die "$1" "Its last lines are above, all of them in $run_dir/parleyd.log; the server's log is $cluster/postgres.log."
}

await_gateway() {
	local tries=0
	until is_ready; do
		kill -0 "$parleyd_pid" 2>/dev/null || gateway_failed "parleyd ended before it was ready"
		[ $((tries += 1)) -le 300 ] || gateway_failed "parleyd was not ready after 30 seconds"
		sleep 0.1
	done
}

write_env() {
	printf 'export %s=%q\n' PGHOST "$PGHOST" PGPORT "$PGPORT" PGDATABASE parley PGUSER operator PARLEY_URL "$url" >"$run_dir/env"
}

stop_all() {
	local status=$?
	trap '' INT TERM HUP PIPE
	set +e
	[ ! -e "$run_dir/env" ] || [ -z "$owns_instance" ] || say "stopping"
	[ -z "$step_pid" ] || end "$step_pid" "-$step_pid"
	[ -z "$parleyd_pid" ] || end "$parleyd_pid"
	if [ -n "$owns_instance" ]; then
		rm -f "$run_dir/env"
		in_cluster stop
	fi
	exit "$status"
}

# leave STATUS: a signal from the terminal arrives twice, because make passes it on too; the second one must not interrupt
# stop_all
leave() {
	trap '' INT TERM HUP PIPE
	exit "$1"
}

own_instance() {
	take_lock
	check_port
	start_cluster
	load_demo
	gateway=$(readlink -f "$cluster")/parleyd
	copy_gateway "$root/gateway/parleyd" "$gateway"
	inbox=$(readlink -f "$cluster")/inbox
	copy_inbox "$inbox"
}

start_gateway() {
	exec >"$run_dir/parleyd.log" 2>&1
	exec_gateway "$gateway" --insecure --listen "127.0.0.1:$port" --inbox-dir "$inbox"
}

serve() {
	own_instance
	start_gateway &
	parleyd_pid=$!
	await_gateway
	write_env
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

run() {
	prepare
	serve
	show
	say "
Ctrl-C stops everything."
	trap 'leave 0' INT TERM HUP
	wait "$parleyd_pid" || true
	gateway_failed "parleyd ended by itself"
}

# What `up` starts. Its output is shown by `up` until it is ready; after that nobody reads it.
background() {
	serve
	exec >/dev/null 2>&1
	wait "$parleyd_pid" || true
}

up() {
	if is_running; then
		while is_running && [ ! -e "$run_dir/env" ]; do sleep 0.1; done
		[ -e "$run_dir/env" ] || die "the instance that was starting in $run_dir has ended"
		# shellcheck source=/dev/null
		. "$run_dir/env"
		say "already up: $PARLEY_URL"
		return
	fi
	prepare
	setsid bash "$0" background </dev/null &
	step_pid=$!
	while [ ! -e "$run_dir/env" ]; do
		kill -0 "$step_pid" 2>/dev/null || exit 1
		sleep 0.1
	done
	step_pid=
	show
	say "
make down stops it."
}

down() {
	if is_running; then
		kill "$(cat "$run_dir/lock")"
		flock --timeout 90 "$run_dir/lock" true || die "process $(cat "$run_dir/lock") does not end"
		say "stopped"
	else
		[ ! -e "$cluster/data/postmaster.pid" ] || in_cluster stop
		say "nothing is running in $run_dir"
	fi
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
	prepare gdb
	own_instance
	write_env
	say "
parleyd under gdb, answering at $url. interrupt -a stops it, continue -a & goes on, quit ends everything.
Its backends are processes of their own. To attach to one:
  gdb -p \$(. ${run_dir#"$PWD"/}/env && psql -AtU postgres -c \"SELECT min(pid) FROM pg_stat_activity WHERE usename = 'parley_gateway'\")
"
	trap : INT
	exec 3<&0
	exec_gateway gdb -q -ex 'set pagination off' -ex 'set non-stop on' -ex 'handle SIGPIPE nostop noprint' -ex 'run &' \
		--args "$gateway" --insecure --listen "127.0.0.1:$port" --inbox-dir "$inbox" <&3 3<&- &
	parleyd_pid=$!
	while kill -0 "$parleyd_pid" 2>/dev/null; do
		wait "$parleyd_pid" || true
	done
}

clean_run() {
	! is_running || die "$run_dir is in use by process $(cat "$run_dir/lock")" "make down first."
	[ ! -e "$cluster" ] || in_cluster remove
	rm -f "$run_dir"/{cluster,lock,env,schema,demo,parleyd.log}
	[ ! -d "$run_dir" ] || rmdir --ignore-fail-on-non-empty "$run_dir"
}

trap stop_all EXIT
trap 'leave 130' INT
trap 'leave 143' TERM
trap 'leave 129' HUP
trap 'leave 141' PIPE
case ${1:-} in
	run | up | background | down | populate | debug) "$1" ;;
	clean-run) clean_run ;;
	*) die "usage: parley.sh run|up|down|populate|debug|clean-run" ;;
esac
