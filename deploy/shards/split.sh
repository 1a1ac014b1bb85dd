#!/usr/bin/env bash
# split.sh DIR: doubles the number of shards in DIR (cluster.sh) under load. Each shard gets a standby, which becomes a new shard and takes
# over half of the data; then each deletes the half that belongs to the other. During the switch clients wait or are told to retry;
# cursors of sync stay valid.
#
# Until the front knows the new shards, it is safe to abort: remove the new clusters, and let parley_gateway log in again.
set -euo pipefail
. "$(dirname "$0")/common.sh"

[ $# -eq 1 ] || die "usage: split.sh DIR"
dir=$(readlink -m "$1")
count=$(cat "$dir/shards")

make_standby() {
	local old=shard$1 new=shard$(($1 + count)) data
	in_cluster create "$new"
	data=$(data_of "$new")
	as_owner find "$data" -mindepth 1 -delete
	as_owner "$bin/pg_basebackup" --host="$(in_cluster socket "$old")" --username=postgres --pgdata="$data" --checkpoint=fast \
		--write-recovery-conf
	in_cluster start "$new"
}

# The old shard no longer lets anybody log in, so nothing is added to its WAL. Once the standby has everything that was committed, it is
# promoted to a shard of its own.
promote_standby() {
	local old=shard$1 new=shard$(($1 + count)) end
	psql_in "$old" -c "ALTER ROLE parley_gateway NOLOGIN" \
		-c "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'parley_gateway'" >/dev/null
	end=$(psql_in "$old" -c "SELECT pg_current_wal_flush_lsn()")
	await "$new" "SELECT pg_last_wal_replay_lsn() >= '$end'"
	psql_in "$new" -c "SELECT pg_promote()" >/dev/null
	psql_in "$new" -c "ALTER ROLE parley_gateway LOGIN"
}

# await NAME QUERY: waits until the query returns true, for at most half a minute
await() {
	local tries=0
	until [ "$(psql_in "$1" -c "$2")" = t ]; do
		[ $((tries += 1)) -le 600 ] || die "$1 did not come to be as it should within 30 seconds: $2"
		sleep 0.05
	done
}

switch_over() {
	local n
	for ((n = 0; n < count; n++)); do promote_standby "$n" & done
	wait
	echo $((count * 2)) >"$dir/shards"
	connect_front $((count * 2))
	# A transaction that began before the front knew the new shards would ask the old ones for rows that have moved.
	await front "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'parley_gateway' AND xact_start < '$(psql_in front -c "SELECT clock_timestamp()")')"
	for ((n = 0; n < count; n++)); do psql_in "shard$n" -c "ALTER ROLE parley_gateway LOGIN"; done
}

for ((n = 0; n < count; n++)); do make_standby "$n"; done
for ((n = 0; n < count; n++)); do
	await "shard$((n + count))" "SELECT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')"
done
began=$(date +%s%N)
switch_over
say "$count shards are $((count * 2)) now; nothing was written for $((($(date +%s%N) - began) / 1000000)) ms"
for ((n = 0; n < count * 2; n++)); do
	psql_in "shard$n" -c "CALL parley_shard.drop_others($((count * 2)), $n)"
done
