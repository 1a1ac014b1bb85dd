#!/usr/bin/env bash
# Runs `make ha`: a highly available installation on this machine, to try out and to break. cluster.sh creates the cluster,
# ../local/instance.sh manages the instance.
#
#   RUN_DIR        directory for all its files (.run)
#   PORT           the gateway's port on 127.0.0.1 (8080); monitor and nodes use the next three
#   PG_CONFIG      pg_config of the PostgreSQL to use (Debian's, because pg_auto_failover is Debian's)
set -euo pipefail
. "$(dirname "$0")/../local/instance.sh"
packages=(pg-auto-failover-cli "postgresql-$postgres_major-auto-failover")

in_machines() {
	bash "$root/deploy/ha/cluster.sh" "$1" "$run_dir" "${@:2}" 9>&-
}

start_databases() {
	if [ -e "$run_dir/machines.d/created" ]; then
		in_machines stop
		step in_machines start
	else
		in_machines remove
		say "creating a monitor and two nodes in $run_dir"
		step in_machines create $((port + 1))
		touch "$run_dir/machines.d/created"
	fi
	home=$(readlink -f "$run_dir/machines.d")
	# Give up on a server that is silent for two seconds, and on a connection that is not established within one.
	gateway_options=(--database-url "$(in_machines url)" --statement-timeout-ms 2000 --connect-timeout-ms 1000)
	PGHOST=$(awk '/^node/ { printf "%s%s", separator, $2; separator = "," }' "$run_dir/machines")
	PGPORT=$(awk '/^node/ { printf "%s%s", separator, $3; separator = "," }' "$run_dir/machines")
	export PGHOST PGPORT PGDATABASE=parley PGTARGETSESSIONATTRS=read-write
}

stop_databases() {
	in_machines stop
}

is_left_running() {
	[ -e "$run_dir/machines" ]
}

show() {
	local shown=${run_dir#"$PWD"/} command='bash deploy/ha/cluster.sh'
	say "
parley answers at $url from whichever node is the primary, for example

  curl -d '{\"phone\":\"+1 555 010 0001\"}' -H 'Content-Type: application/json' $url/users

watch:  pg_autoctl watch --monitor 'postgres://autoctl_node@127.0.0.1:$((port + 1))/pg_auto_failover'
        curl $url/ready
break:  kill -KILL  \$($command processes $shown \$($command primary $shown))      the primary's machine is lost
        $command start $shown node1                   it comes back (or node2)
        kill -STOP  \$(…the same…)      it is frozen; kill -CONT lets it thaw
        pg_autoctl perform switchover --monitor …     the nodes change places
. $shown/env && psql    is in the database with the operator's rights
logs: $shown/parleyd.log, $shown/machines.d/{monitor,node1,node2}.log"
}

case ${1:-} in
	run | up | background | down) "$1" ;;
	*) die "usage: ha.sh run|up|down" ;;
esac
