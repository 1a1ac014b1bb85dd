#!/usr/bin/env bash
# bench/shards.sh: what a call over several databases costs: the time of one client, and the processor time at the front and on the shard,
# in comparison with the same call of the shard itself. Creates home, two shards and a front, and removes them. Processor times are
# exact to about a tenth even beside other work; the client's times are not.
#
#   BENCH_SECONDS   how long a measurement takes (5)
set -euo pipefail
. "$(dirname "$0")/../deploy/shards/common.sh"
seconds=${BENCH_SECONDS:-5}

dir=$(mktemp -d /tmp/parley-bench-XXXXXX)
chmod 755 "$dir"
trap 'bash "$root/deploy/shards/cluster.sh" remove "$dir" && rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Users talk to each other in 100 conversations, half of them on each shard.
fill() {
	psql_in home -c "SELECT count(*) FROM (SELECT parley.create_user('+1 555 ' || 1000000 + n) FROM generate_series(1, 300) n) u" >/dev/null
	psql_in front -c "
		SELECT count(*) FROM (SELECT parley_front.post_user_message((parley_front.open_direct_conversation(n, 300 - n)).id, 'hello ' || m, n)
			FROM generate_series(1, 100) n, generate_series(1, 3) m) p" >/dev/null
}

# cpu NAME: prints the processor time that a cluster has used, in ticks, including that of its sessions that have ended
cpu() {
	local postmaster children child
	postmaster=$(head -n 1 "$(data_of "$1")/postmaster.pid")
	read -ra children <"/proc/$postmaster/task/$postmaster/children" || true
	for child in "$postmaster" "${children[@]}"; do cat "/proc/$child/stat" 2>/dev/null || true; done |
		awk -v postmaster="$postmaster" '{ ticks += $14 + $15; if ($1 == postmaster) ticks += $16 + $17 } END { print ticks }'
}

# measure NAME SQL: runs it by one client there, and sets $us, and $cpu_front and $cpu_shard in microseconds per call
measure() {
	local calls front shard
	echo "$2" >"$dir/script"
	front=$(cpu front)
	shard=$(($(cpu shard0) + $(cpu shard1) + $(cpu home)))
	calls=$("$bin/pgbench" -n -M prepared -c 1 -T "$seconds" -h "$(in_cluster socket "$1")" -p 5432 -U postgres -f "$dir/script" parley 2>/dev/null |
		sed -n 's/^number of transactions actually processed: //p')
	until [ "$(psql_in "$1" -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench'")" = 0 ]; do :; done
	us=$((seconds * 1000000 / calls))
	cpu_front=$((($(cpu front) - front) * 10000 / calls))
	cpu_shard=$((($(cpu shard0) + $(cpu shard1) + $(cpu home) - shard) * 10000 / calls))
}

# compare NAME CALL: the call is of a function of parley, of user 1 on shard 1
compare() {
	local direct direct_cpu
	measure shard1 "SELECT * FROM parley.$2;"
	direct=$us direct_cpu=$cpu_shard
	measure front "SELECT * FROM parley_front.${3:-$2};"
	printf '%-24s %8d %8d %10d %10d %10d\n' "$1" "$direct" "$us" "$direct_cpu" "$cpu_shard" "$cpu_front"
}

bash "$root/deploy/shards/cluster.sh" create "$dir" 2
fill
talk=$(psql_in shard1 -c "SELECT id FROM parley.conversations WHERE low_contact_id = 1")
cursor=$(psql_in shard1 -c "SELECT cursor FROM parley.sync(1)")
front_cursor=$(psql_in front -c "SELECT cursor FROM parley_front.sync(1)")
printf '%-24s %8s %8s %10s %10s %10s\n' 'µs per call' direct front 'processor' 'on shards' 'at front'
compare 'sync, nothing new' "sync(1, '$cursor')" "sync(1, '$front_cursor')"
compare 'one message' "get_user_message(1, $talk, 1)"
compare 'a page of messages' "list_user_messages(1, $talk)"
compare 'the list, 50 rows' "list_conversations()"
compare 'a post' "post_user_message($talk, 'posted', 1)"
