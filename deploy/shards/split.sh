#!/usr/bin/env bash
# split.sh DIR: doubles the number of shards in DIR (cluster.sh) under load. Each shard gets a standby, which becomes a new shard and takes
# over half of the data; then each deletes the half that belongs to the other. During the switch clients wait or are told to retry;
# cursors of sync stay valid. It prints how long the switch took, and each of its parts.
#
# Until the front knows the new shards, it is safe to abort: remove the new clusters, and let parley_gateway log in again.
set -euo pipefail
. "$(dirname "$0")/common.sh"

[ $# -eq 1 ] || die "usage: split.sh DIR"
dir=$(readlink -m "$1")
count=$(cat "$dir/shards")

# each_shard FUNCTION: calls it for the number of each shard there was, all at the same time
each_shard() {
	local n pid pids=()
	for ((n = 0; n < count; n++)); do
		"$1" "$n" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || die "$1 failed for a shard"; done
}

# wait_for CONDITION: prints the SQL that waits until it is true, for at most half a minute
wait_for() {
	cat <<-SQL
		DO \$\$ BEGIN
			FOR n IN 1 .. 3000 LOOP
				IF $1 THEN RETURN; END IF;
				PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
			END LOOP;
			RAISE EXCEPTION 'did not come to be within 30 seconds: %', \$c\$$1\$c\$;
		END \$\$
	SQL
}

start_standby() {
	make_standby "shard$1" "shard$(($1 + count))"
	psql_in "shard$(($1 + count))" -c "$(wait_for "EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')")"
}

# Starts to tell the front, in a transaction that ends when the new shards are there. Creating its functions takes most of the time.
prepare_front() {
	local ready
	coproc front { psql_in front; }
	front_pid=$!
	printf '%s;\n' BEGIN "$(connect_call $((count * 2)))" "SELECT 'ready'" >&"${front[1]}"
	until [ "${ready:-}" = ready ]; do
		read -r -t 60 ready <&"${front[0]}" || die "the front does not accept the new shards"
	done
}

# The old shard no longer lets anybody log in, so nothing is added to its WAL.
close_shard() {
	psql_in "shard$1" -c "ALTER ROLE parley_gateway NOLOGIN" \
		-c "$(wait_for "(SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'parley_gateway') = 0")" >/dev/null
}

# Once the standby has everything that was committed, it is promoted to a shard of its own.
promote_standby() {
	local end
	end=$(psql_in "shard$1" -c "SELECT pg_current_wal_flush_lsn()")
	psql_in "shard$(($1 + count))" -c "$(wait_for "pg_last_wal_replay_lsn() >= '$end'")" -c "SELECT pg_promote()" \
		-c "ALTER ROLE parley_gateway LOGIN" >/dev/null
}

# A transaction that began before the front knew the new shards would ask the old ones for rows that have moved. Those that wait for
# wake-ups ask for none.
finish_front() {
	echo "COMMIT;" >&"${front[1]}"
	eval "exec ${front[1]}>&-"
	wait "$front_pid" || die "the front does not know the new shards"
	echo $((count * 2)) >"$dir/shards"
	psql_in front -c "$(wait_for "NOT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'parley_gateway' AND xact_start < transaction_timestamp()
		AND query !~ 'await_wakeups')")"
}

open_shard() {
	psql_in "shard$1" -c "ALTER ROLE parley_gateway LOGIN"
}

# part NAME COMMAND…: runs it, and notes how long it took
part() {
	local began
	began=$(date +%s%N)
	"${@:2}"
	parts+=("$1 $((($(date +%s%N) - began) / 1000000))")
}

each_shard start_standby
for name in front $(seq -f 'shard%g' 0 $((count * 2 - 1))); do sockets[$name]=$(in_cluster socket "$name"); done
prepare_front
parts=()
began=$(date +%s%N)
part close each_shard close_shard
part promote each_shard promote_standby
part 'tell the front' finish_front
part open each_shard open_shard
# Now, rather than in a second.
psql_in front -c "SELECT parley_front.forget_failures()" >/dev/null
printf -v listed ', %s ms' "${parts[@]}"
say "$count shards are $((count * 2)) now; nothing was written for $((($(date +%s%N) - began) / 1000000)) ms: ${listed#, }"
for ((n = 0; n < count * 2; n++)); do
	psql_in "shard$n" -c "CALL parley_shard.drop_others($((count * 2)), $n)"
done
