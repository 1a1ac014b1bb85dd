#!/usr/bin/env bash
# A private PostgreSQL cluster that listens only on a unix socket.
#   cluster.sh create DIR          initdb; DIR need not exist
#   cluster.sh start DIR           returns when it accepts connections
#   cluster.sh stop DIR            fast mode: rolls back open transactions
#   cluster.sh database DIR NAME   creates a database with the extension, and the roles that log in
#   cluster.sh update DIR NAME     updates a database's extension to the installed version
#   cluster.sh socket DIR          prints its PGHOST; PGPORT is 5432, the superuser postgres
#   cluster.sh remove DIR          stops it and deletes all of it
# DIR/cluster contains data/, socket/ and postgres.log. It is a link if the cluster's user cannot access DIR, or if the socket's
# path would be longer than 107 bytes. With FSYNC=off, create makes one for tests, which never waits for the disk: it survives a crash
# of PostgreSQL, but perhaps not one of the machine.
set -euo pipefail
. "$(dirname "$0")/common.sh"

[ $# -ge 2 ] || die "usage: cluster.sh create|start|stop|database|update|socket|remove DIR"
bin=$("$PG_CONFIG" --bindir)
dir=$(readlink -m "$2")
cluster=$(readlink -m "$dir/cluster")

make_home() {
	mkdir -p "$dir"
	if as_owner test -x "$dir"; then
		mkdir -m 700 "$cluster"
	else
		cluster=$(mktemp -d /var/tmp/parley-XXXXXX)
		ln -sfn "$cluster" "$dir/cluster"
		say "user $owner, who runs PostgreSQL, cannot enter $dir: its files are in $cluster"
	fi
	chown "$owner" "$cluster"
}

# A link leads to /tmp, which may have been cleaned since.
make_socket() {
	[ ! -d "$cluster/socket/." ] || return 0
	as_owner rm -f "$cluster/socket"
	if [ ${#cluster} -le 80 ]; then
		as_owner mkdir -m 700 "$cluster/socket"
	else
		as_owner ln -s "$(as_owner mktemp -d /tmp/parley-XXXXXX)" "$cluster/socket"
	fi
}

create() {
	local fsync=${FSYNC:-on} no_sync=()
	[ "$fsync" = on ] || no_sync=(--no-sync)
	make_home
	as_owner "$bin/initdb" --pgdata="$cluster/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
		--no-instructions "${no_sync[@]}" >/dev/null
	as_owner tee -a "$cluster/data/postgresql.conf" >/dev/null <<-'CONF'

		# parley's private cluster: one machine, no replica, no TCP; several gateways and the clients of a benchmark; wake-ups
		max_connections = 200
		listen_addresses = ''
		wal_level = minimal
		max_wal_senders = 0
		max_wal_size = 2GB
		shared_preload_libraries = 'parley'
		log_line_prefix = '%m [%p] %e %q%u@%d '
	CONF
	[ "$fsync" = on ] || as_owner tee -a "$cluster/data/postgresql.conf" >/dev/null <<<"fsync = $fsync"
}

start() {
	make_socket
	as_owner "$bin/pg_ctl" start --silent --wait --pgdata="$cluster/data" --log="$cluster/postgres.log" \
		--options="-p 5432 -k '$(readlink -f "$cluster/socket")'" >/dev/null || {
		as_owner tail -n 5 "$cluster/postgres.log" >&2
		die "PostgreSQL did not start" "Its last lines are above, the rest is in $cluster/postgres.log."
	}
}

stop() {
	[ -e "$cluster/data/postmaster.pid" ] || return 0
	as_owner "$bin/pg_ctl" stop --silent --mode=fast --timeout=60 --pgdata="$cluster/data" ||
		as_owner "$bin/pg_ctl" stop --silent --mode=immediate --pgdata="$cluster/data"
}

superuser_psql() {
	"$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$(readlink -f "$cluster/socket")" -p 5432 -U postgres "$@"
}

database() {
	PGOPTIONS="-c client_min_messages=warning" superuser_psql -d postgres -v name="$1" <<-'SQL'
		CREATE DATABASE :"name" TEMPLATE template0;
		\connect :"name"
		CREATE EXTENSION parley CASCADE;
		ALTER ROLE parley_gateway LOGIN;
		SELECT 'CREATE ROLE operator LOGIN IN ROLE parley_operator' WHERE to_regrole('operator') IS NULL \gexec
		ALTER ROLE operator SET search_path = parley, public;
	SQL
}

update() {
	superuser_psql -d "$1" -c "ALTER EXTENSION parley UPDATE"
}

# The cluster's directory belongs to its user, who may have put links into it, so it is removed as that user.
remove() {
	local socket
	stop
	socket=$(readlink -m "$cluster/socket")
	[[ $socket != /tmp/parley-?????? ]] || as_owner rm -rf "$socket"
	[ ! -d "$cluster" ] || as_owner find "$cluster" -mindepth 1 -delete
	[ ! -d "$cluster" ] || rmdir "$cluster"
	rm -f "$dir/cluster"
}

case $1 in
	create | start | stop | remove) "$1" ;;
	database | update) "$1" "$3" ;;
	socket) readlink -f "$cluster/socket" ;;
	*) die "unknown command: $1" ;;
esac
