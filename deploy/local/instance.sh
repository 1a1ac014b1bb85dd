# shellcheck shell=bash
# Sourced by the scripts behind `make run`, `make ha` and `make shards`. The script that sources it is the process that owns an
# instance: it holds the lock on RUN_DIR/lock (fd 9), and parleyd is its child. However it ends, it stops everything. `up` runs the same
# process in the background, and `down` signals it to end.
#
# That script defines packages, which it needs besides those of make run; start_databases, which sets PG* for the operator's psql, home
# (a directory of the cluster's user) and gateway_options; stop_databases; is_left_running: whether databases run without an owner;
# and show: what to say once it serves.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

run_dir=$(readlink -m "$root/${RUN_DIR:-.run}")
case ${RUN_DIR:-} in /*) run_dir=$(readlink -m "$RUN_DIR") ;; esac
port=${PORT:-8080}
url=http://127.0.0.1:$port
step_pid=
parleyd_pid=
owns_instance=
home=
packages=()
gateway_options=()
debugger=()

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

check_port() {
	case $port in '' | *[!0-9]* | ??????*) die "PORT=$port is not a port number" ;; esac
	[ "$port" -ge 1 ] && [ "$port" -le 65535 ] || die "PORT=$port is not a port number" "Choose one from 1 to 65535."
	! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null ||
		die "port $port is taken" "Choose another: make run PORT=$((port + 1)) RUN_DIR=${RUN_DIR:-.run}"
}

prepare() {
	bash "$root/deploy/local/packages.sh" "${packages[@]}"
	bash "$root/deploy/local/install.sh"
}

# The holder of the lock runs the instance. Its process id is in the file.
take_lock() {
	mkdir -p "$run_dir"
	exec 9<>"$run_dir/lock"
	flock -n 9 || die "$run_dir is in use by process $(cat "$run_dir/lock")" \
		"make down${RUN_DIR:+ RUN_DIR=$RUN_DIR} stops it; make run RUN_DIR=.run2 PORT=$((port + 1)) starts another one."
	printf '%s\n' $$ >"$run_dir/lock"
	owns_instance=yes
}

is_running() {
	[ -e "$run_dir/lock" ] && ! flock -n "$run_dir/lock" true
}

is_ready() {
	curl -fs -o /dev/null --max-time 5 "$url/ready"
}

gateway_failed() {
	tail -n 5 "$run_dir/parleyd.log" >&2
	die "$1" "Its last lines are above, all of them in $run_dir/parleyd.log."
}

await_gateway() {
	local tries=0
	until is_ready; do
		kill -0 "$parleyd_pid" 2>/dev/null || gateway_failed "parleyd ended before it was ready"
		[ $((tries += 1)) -le 1200 ] || gateway_failed "parleyd was not ready after two minutes"
		sleep 0.1
	done
}

write_env() {
	printf 'export %s=%q\n' PGHOST "$PGHOST" PGPORT "$PGPORT" PGDATABASE "$PGDATABASE" PGUSER operator PARLEY_URL "$url" \
		PGTARGETSESSIONATTRS "${PGTARGETSESSIONATTRS:-any}" >"$run_dir/env"
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
		stop_databases
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
	start_databases
	copy_gateway "$root/gateway/parleyd" "$home/parleyd"
	copy_inbox "$home/inbox"
}

start_gateway() {
	exec_gateway "${debugger[@]}" "$home/parleyd" --insecure --listen "127.0.0.1:$port" --inbox-dir "$home/inbox" "${gateway_options[@]}"
}

serve() {
	own_instance
	start_gateway >"$run_dir/parleyd.log" 2>&1 &
	parleyd_pid=$!
	await_gateway
	write_env
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
make down${RUN_DIR:+ RUN_DIR=$RUN_DIR} stops it."
}

down() {
	if is_running; then
		kill "$(cat "$run_dir/lock")"
		flock --timeout 90 "$run_dir/lock" true || die "process $(cat "$run_dir/lock") does not end"
		say "stopped"
	else
		! is_left_running || stop_databases
		say "nothing is running in $run_dir"
	fi
}

trap stop_all EXIT
trap 'leave 130' INT
trap 'leave 143' TERM
trap 'leave 129' HUP
trap 'leave 141' PIPE
