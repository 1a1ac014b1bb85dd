#!/usr/bin/env bash
# A highly available cluster built with pg_auto_failover: a monitor and two nodes, each set up as it would be on a machine of its own.
#   cluster.sh create DIR PORT         creates and starts them, on 127.0.0.1 at PORT and the next two, with the database parley
#   cluster.sh start DIR [MACHINE]     starts all three and returns when they are healthy; or starts one and does not wait
#   cluster.sh await DIR               waits until one node is primary and the other its synchronous standby
#   cluster.sh stop DIR                stops them, the monitor last
#   cluster.sh primary DIR             prints which node is the primary
#   cluster.sh processes DIR MACHINE   prints the process ids of a machine's keeper and server
#   cluster.sh socket DIR              prints the PGHOST that all three share; the superuser is the user that runs them
#   cluster.sh url DIR                 prints parleyd's connection string: both nodes, whichever accepts writes
#   cluster.sh remove DIR              stops them and deletes everything
# MACHINE is monitor, node1 or node2. DIR/machines has a line for each: name, address, port (all different) and, if it runs in one
# of its own, the network namespace. For a different layout, write that file before calling create.
set -euo pipefail
. "$(dirname "$0")/../local/common.sh"

[ $# -ge 2 ] || die "usage: cluster.sh create|start|await|stop|primary|processes|socket|url|remove DIR"
bin=$("$PG_CONFIG" --bindir)
dir=$(readlink -m "$2")
home=$(readlink -m "$dir/machines.d")

# machine NAME: sets the variables that describe it
machine() {
	read -r name address port namespace < <(grep "^$1 " "$dir/machines") || [ -n "${name:-}" ] || die "no machine is called $1"
	data=$home/$name/data
}

# Runs pg_autoctl PARAMETER… on the machine. It keeps its settings under HOME; without LANG the database's encoding would be SQL_ASCII.
autoctl() {
	local as=(setpriv --reuid="$owner" --regid="$(id -g "$owner")" --init-groups --)
	[ "$(id -u)" -eq 0 ] || as=()
	[ -z "$namespace" ] || as=(ip netns exec "$namespace" "${as[@]}")
	cd /
	exec 9>&-
	exec "${as[@]}" env -i LANG=C.UTF-8 PATH="$bin:$PATH" HOME="$home/$name" XDG_RUNTIME_DIR="$home/$name/run" pg_autoctl "$@"
}

# autoctl_quietly PARAMETER…: shows the output only if the command fails. A busy machine may start a server more slowly than pg_autoctl
# waits; if it is called again, it goes on where it stopped.
autoctl_quietly() {
	local log tries=0
	until log=$(autoctl "$@" 2>&1); do
		[ $((tries += 1)) -ge 5 ] || continue
		tail -n 20 <<<"$log" >&2
		die "pg_autoctl $1 $2 failed for $name" "Its last words stand above."
	done
}

machine_psql() {
	"$bin/psql" -XAtq -v ON_ERROR_STOP=1 -h "$home/socket" -p "$port" -U "$owner" "$@"
}

# Appended, so that these settings override the file that pg_autoctl includes at the top: the last line wins.
add_settings() {
	as_owner sh -c 'cat >>"$1"' sh "$data/postgresql.conf" <<-CONF

		# For this example: small, and listening on its own address only.
		listen_addresses = '$address'
		unix_socket_directories = '$home/socket'
		logging_collector = off
		max_connections = 200
		$(cat)
	CONF
	as_owner sh -c 'echo "host all all samenet trust" >>"$1"' sh "$data/pg_hba.conf"
	(autoctl_quietly config set --pgdata "$data" postgresql.listen_addresses "$address")
	(autoctl_quietly config set --pgdata "$data" postgresql.host "$home/socket")
}

make_home() {
	local machine
	if as_owner test -x "$dir"; then
		mkdir -m 700 "$home"
	else
		home=$(mktemp -d /var/tmp/parley-XXXXXX)
		ln -sfn "$home" "$dir/machines.d"
		say "user $owner, who runs PostgreSQL, cannot enter $dir: its files are in $home"
	fi
	chown "$owner" "$home"
	[ ${#home} -le 70 ] || die "a socket cannot have a path as long as $home" "Choose a shorter RUN_DIR."
	for machine in monitor node1 node2; do
		as_owner mkdir "$home/$machine"
		as_owner mkdir -m 700 "$home/$machine/run"
	done
	as_owner mkdir -m 700 "$home/socket"
}

monitor_url() {
	(machine monitor && echo "postgres://autoctl_node@$address:$port/pg_auto_failover?sslmode=disable")
}

create_monitor() {
	machine monitor
	(autoctl_quietly create monitor --pgdata "$data" --pgport "$port" --hostname "$address" --auth trust --no-ssl --pgctl "$bin/pg_ctl")
	# A node that does not respond for three seconds is unhealthy; a primary then has two seconds to step down.
	add_settings <<-'CONF'
		shared_buffers = 16MB
		pgautofailover.health_check_period = 500
		pgautofailover.health_check_retry_delay = 200
		pgautofailover.health_check_timeout = 500
		pgautofailover.node_considered_unhealthy_timeout = 3000
		pgautofailover.primary_demote_timeout = 2000
		pgautofailover.startup_grace_period = 2000
	CONF
}

create_node() {
	machine "$1"
	(autoctl_quietly create postgres --pgdata "$data" --pgport "$port" --hostname "$address" --listen "$address" --name "$name" \
		--dbname parley --auth trust --no-ssl --monitor "$(monitor_url)" --pgctl "$bin/pg_ctl")
	add_settings <<-'CONF'
		shared_buffers = 64MB
		shared_preload_libraries = 'parley'
		max_wal_size = 1GB
		# A joining node waits for a checkpoint, which would otherwise be spread over minutes.
		checkpoint_completion_target = 0
		wal_receiver_timeout = 3s
		wal_sender_timeout = 3s
		wal_retrieve_retry_interval = 500ms
		log_line_prefix = '%m [%p] %e %q%u@%d '
	CONF
	# A primary that reaches neither the monitor nor its standby stops itself after this many seconds.
	(autoctl_quietly config set --pgdata "$data" timeout.network_partition_timeout 4)
}

is_running() {
	[ -e "$home/$name.pid" ] && kill -0 "$(cat "$home/$name.pid")" 2>/dev/null
}

start_machine() {
	machine "$1"
	! is_running || return 0
	(autoctl run --pgdata "$data") </dev/null >>"$home/$name.log" 2>&1 &
	echo $! >"$home/$name.pid"
}

create() {
	mkdir -p "$dir"
	[ -e "$dir/machines" ] || printf '%s 127.0.0.1 %s\n' monitor "$1" node1 $(($1 + 1)) node2 $(($1 + 2)) >"$dir/machines"
	make_home
	create_monitor
	start_machine monitor
	create_node node1
	start_machine node1
	await_sql node1 parley "SELECT NOT pg_is_in_recovery()"
	machine_psql -d parley <<-'SQL'
		SET client_min_messages = warning;
		CREATE EXTENSION parley CASCADE;
		ALTER ROLE parley_gateway LOGIN;
		CREATE ROLE operator LOGIN IN ROLE parley_operator;
		ALTER ROLE operator SET search_path = parley, public;
	SQL
	create_node node2
	start_machine node2
	await
}

# await_sql MACHINE DATABASE QUERY: waits until the query returns true
await_sql() {
	local tries=0
	machine "$1"
	until [ "$(machine_psql -d "$2" -c "$3" 2>/dev/null)" = t ]; do
		is_running || {
			tail -n 5 "$home/$name.log" >&2
			die "$name has ended" "Its last words stand above, all of them in $home/$name.log."
		}
		[ $((tries += 1)) -le 3000 ] || die "$name did not come to be as it should within five minutes" "Its log is $home/$name.log."
		sleep 0.1
	done
}

await() {
	await_sql monitor pg_auto_failover "
		SELECT count(*) FILTER (WHERE reportedstate = 'primary') = 1 AND count(*) FILTER (WHERE reportedstate = 'secondary') = 1
		FROM pgautofailover.node WHERE reportedstate = goalstate"
}

start() {
	if [ $# -eq 1 ]; then
		start_machine "$1"
		return
	fi
	for name in monitor node1 node2; do
		start_machine "$name"
	done
	await
}

# descendants PID: prints PID and all its descendants
descendants() {
	local children child
	echo "$1"
	read -ra children < <(cat "/proc/$1/task/"*/children 2>/dev/null | tr '\n' ' ') || true
	for child in "${children[@]}"; do
		descendants "$child"
	done
}

processes() {
	machine "$1"
	! is_running || descendants "$(cat "$home/$name.pid")"
}

# A frozen machine handles the signal only once it is thawed.
stop_machines() {
	local machine pids=()
	for machine in "$@"; do
		machine "$machine"
		is_running || continue
		processes "$machine" | xargs -r kill -CONT 2>/dev/null || true
		pids+=("$(cat "$home/$name.pid")")
	done
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	for pid in "${pids[@]}"; do end "$pid"; done
}

stop() {
	[ -e "$dir/machines" ] || return 0
	stop_machines node1 node2
	stop_machines monitor
}

primary() {
	machine monitor
	machine_psql -d pg_auto_failover -c "SELECT nodename FROM pgautofailover.node WHERE goalstate IN ('primary', 'wait_primary', 'single')"
}

url() {
	local hosts
	hosts=$(awk '/^node/ { printf "%s%s:%s", separator, $2, $3; separator = "," }' "$dir/machines")
	echo "postgres://parley_gateway@$hosts/parley?target_session_attrs=read-write"
}

socket() {
	echo "$home/socket"
}

remove() {
	stop
	[ ! -d "$home" ] || as_owner find "$home" -mindepth 1 -delete
	[ ! -d "$home" ] || rmdir "$home"
	rm -f "$dir/machines.d" "$dir/machines"
}

case $1 in
	create | start | await | stop | primary | processes | socket | url | remove) "$1" "${@:3}" ;;
	*) die "unknown command: $1" ;;
esac
