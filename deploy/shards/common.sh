# shellcheck shell=bash
# Sourced by the scripts in this folder: several private clusters in one directory, namely home, front, and shard0, shard1 …; the
# number of shards is in DIR/shards.
. "$(dirname "${BASH_SOURCE[0]}")/../local/common.sh"

bin=$("$PG_CONFIG" --bindir)
dir=

# in_cluster COMMAND NAME…: runs deploy/local/cluster.sh for one of them
in_cluster() {
	bash "$root/deploy/local/cluster.sh" "$1" "$dir/$2" "${@:3}" 9>&-
}

# psql_in NAME ARGUMENT…
psql_in() {
	PGOPTIONS="-c client_min_messages=warning" "$bin/psql" -XAtq -v ON_ERROR_STOP=1 -h "$(in_cluster socket "$1")" -p 5432 -U postgres -d parley "${@:2}"
}

# data_of NAME: prints its data directory; its cluster may be a link to where the cluster's user can enter
data_of() {
	echo "$(readlink -f "$dir/$1/cluster")/data"
}

# place NAME: prints the connection string that the front uses
place() {
	echo "host=$(in_cluster socket "$1") port=5432 dbname=parley"
}

# connect_front COUNT: tells the front where home and that many shards are
connect_front() {
	local n arguments
	arguments="'$(place home)'"
	for ((n = 0; n < $1; n++)); do arguments+=", '$(place "shard$n")'"; done
	psql_in front -c "SELECT parley_front.connect($arguments)" >/dev/null
}
