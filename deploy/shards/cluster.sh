#!/usr/bin/env bash
# Several private clusters on this machine: home, the shards (a power of two of them), and the front, to which parleyd connects.
#   cluster.sh create DIR SHARDS     creates and starts them
#   cluster.sh start DIR             returns when all accept connections
#   cluster.sh stop DIR
#   cluster.sh socket DIR            prints the PGHOST of the front
#   cluster.sh remove DIR            stops them and deletes everything
set -euo pipefail
. "$(dirname "$0")/common.sh"

[ $# -ge 2 ] || die "usage: cluster.sh create|start|stop|socket|remove DIR"
dir=$(readlink -m "$2")

names() {
	local n
	echo home
	for ((n = 0; n < $(cat "$dir/shards"); n++)); do echo "shard$n"; done
	echo front
}

# create_database NAME EXTENSION
create_database() {
	in_cluster create "$1"
	as_owner tee -a "$(data_of "$1")/postgresql.conf" >/dev/null <<-'CONF'

		# small, because several share the machine; replication is on because splitting a shard needs a standby
		shared_buffers = 32MB
		wal_level = replica
		max_wal_senders = 4
		wal_keep_size = 64MB
	CONF
	in_cluster start "$1"
	in_cluster database "$1" parley
	psql_in "$1" -c "CREATE EXTENSION $2 CASCADE"
}

create() {
	local name pids=() pid
	mkdir -p "$dir"
	echo "$1" >"$dir/shards"
	for name in $(names); do
		create_database "$name" "$([ "$name" = front ] && echo parley_front || echo parley_shard)" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || die "not all databases could be created"
	done
	psql_in front -c "$(connect_call "$1")" >/dev/null
	touch "$dir/created"
}

start() {
	local name
	for name in $(names); do in_cluster start "$name"; done
}

# Stop the front first, so that it sends nothing to clusters that have already stopped.
stop() {
	local name
	[ -e "$dir/shards" ] || return 0
	for name in $(names | tac); do in_cluster stop "$name"; done
}

remove() {
	local name
	[ -e "$dir/shards" ] || return 0
	for name in $(names); do
		in_cluster remove "$name"
		rm -rf "${dir:?}/$name"
	done
	rm -f "$dir/shards" "$dir/created"
}

case $1 in
	create | start | stop | remove) "$1" "${@:3}" ;;
	socket) in_cluster socket front ;;
	*) die "unknown command: $1" ;;
esac
