# shellcheck shell=bash
# Sourced by the scripts in this folder: several private clusters in one directory, namely home, front, and shard0, shard1 …; the
# number of shards is in DIR/shards.
. "$(dirname "${BASH_SOURCE[0]}")/../local/common.sh"

bin=$("$PG_CONFIG" --bindir)
dir=
# The PGHOST of each cluster, by name, for scripts that must not lose time with finding it.
declare -A sockets=()

# in_cluster COMMAND NAME…: runs deploy/local/cluster.sh for one of them
in_cluster() {
	bash "$root/deploy/local/cluster.sh" "$1" "$dir/$2" "${@:3}" 9>&-
}

# psql_in NAME ARGUMENT…
psql_in() {
	PGOPTIONS="-c client_min_messages=warning" "$bin/psql" -XAtq -v ON_ERROR_STOP=1 -h "${sockets[$1]:-$(in_cluster socket "$1")}" \
		-p 5432 -U postgres -d parley "${@:2}"
}

# data_of NAME: prints its data directory; its cluster may be a link to where the cluster's user can enter
data_of() {
	echo "$(readlink -f "$dir/$1/cluster")/data"
}

# make_standby NAME NEW: creates and starts a standby of a cluster
make_standby() {
	local data
	in_cluster create "$2"
	data=$(data_of "$2")
	as_owner find "$data" -mindepth 1 -delete
	as_owner "$bin/pg_basebackup" --host="$(in_cluster socket "$1")" --username=postgres --pgdata="$data" --checkpoint=fast \
		--write-recovery-conf
	in_cluster start "$2"
}

# place NAME: prints the connection string that the front uses
place() {
	echo "host=$(in_cluster socket "$1") port=5432 dbname=parley"
}

# connect_call COUNT: prints the call that tells the front where home and that many shards are
connect_call() {
	local n arguments
	arguments="'$(place home)'"
	for ((n = 0; n < $1; n++)); do arguments+=", '$(place "shard$n")'"; done
	echo "SELECT parley_front.connect($arguments)"
}
