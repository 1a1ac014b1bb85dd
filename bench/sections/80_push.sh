# shellcheck shell=bash
# Streams: pairs of users, each connected to a gateway of its own, post to each other at a steady rate. Measures how long a
# message takes from its commit to the other client, what is lost or repeated, and what it costs; posts with and without streams;
# and what a message costs a user who polls for it to be as up to date.
#
#   BENCH_PAIRS     number of connected pairs of users (10000), with twice as many streams
#   BENCH_RATE      messages per second, in total (1000)
#   BENCH_PUSH_SECONDS   duration (60)

# cpu_of PID…: processor time of the processes and their children so far, in seconds
cpu_of() {
	local pids=("$@") children
	children=$(pgrep -d ' ' -P "$(IFS=,; echo "$*")" || true)
	# shellcheck disable=SC2086 # a list
	printf '/proc/%s/stat\n' "${pids[@]}" $children | xargs cat 2>/dev/null | awk -v hz="$(getconf CLK_TCK)" '{ sum += $14 + $15 } END { printf "%.2f", sum / hz }'
}

# memory_of PID: resident memory in kB
memory_of() {
	awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}

# start_push_gateway N: starts a gateway for the copy on port + 3 + N; its process id is in push_pids[N]
start_push_gateway() {
	PGUSER=parley_gateway PGDATABASE=$copy "$root/gateway/parleyd" --listen "127.0.0.1:$((port + 3 + $1))" --log-requests=false \
		--connection-limit 19000 2>"$tmp/push-$1.log" 9>&- &
	push_pids[$1]=$!
	on_exit "kill $! 2>/dev/null; wait $!"
	curl -sf --retry 20 --retry-all-errors --retry-max-time 30 -o /dev/null "http://127.0.0.1:$((port + 3 + $1))/ready" ||
		die "parleyd does not serve streams" "$(tail -n 5 "$tmp/push-$1.log")"
}

# open_streams RATE SECONDS: starts both clients and waits until all their streams are open. Each client then waits for a line on
# its fifo in push_starts.
open_streams() {
	local i
	for i in 0 1; do
		rm -f "$tmp/start-$i"
		mkfifo "$tmp/start-$i"
		"$here/push" 127.0.0.1 "$((port + 3 + i))" "$tmp/people-$i" "$1" "$2" 5 <"$tmp/start-$i" >"$tmp/pushed-$i" 9>&- &
		push_clients[i]=$!
		exec {push_starts[i]}>"$tmp/start-$i"
	done
	until grep -q '^opened' "$tmp/pushed-0" && grep -q '^opened' "$tmp/pushed-1"; do
		kill -0 "${push_clients[@]}" 2>/dev/null || die "a client ended" "$(cat "$tmp"/pushed-*)"
		sleep 0.2
	done
}

start_push() {
	echo go >&"${push_starts[0]}"
	echo go >&"${push_starts[1]}"
}

# pushed N COLUMN: a figure that the client measured
pushed() {
	awk -v c="$2" '/^measured/ { print $(c + 1) }' "$tmp/pushed-$1"
}

# figure WHAT VALUE [BAR]
figure() {
	printf '%-52s %14s  %s\n' "$1" "$2" "${3:-}"
}

section_push() {
	local pairs=${BENCH_PAIRS:-10000} rate=${BENCH_RATE:-1000} long=${BENCH_PUSH_SECONDS:-60}
	local push_pids=() push_clients=() push_starts=() postmaster before=() memory opened total received p50 p99 i
	writable_copy
	note "making $pairs pairs of users"
	PGDATABASE=$copy query -c "CREATE TABLE public.bench_pairs AS
		SELECT a.id AS ann, b.id AS bob, d.id AS conversation FROM generate_series(1, $pairs) n,
			LATERAL (SELECT id FROM parley.create_user('+99 1 ' || to_char(n, 'FM000000000'))) a,
			LATERAL (SELECT id FROM parley.create_user('+99 2 ' || to_char(n, 'FM000000000'))) b,
			LATERAL (SELECT id FROM parley.open_direct_conversation(a.id, b.id)) d" \
		-c "COPY (SELECT ann, conversation FROM public.bench_pairs) TO STDOUT (DELIMITER ' ')" >"$tmp/people-0"
	PGDATABASE=$copy query -c "COPY (SELECT bob, conversation FROM public.bench_pairs) TO STDOUT (DELIMITER ' ')" >"$tmp/people-1"
	PGDATABASE=$copy query -c "VACUUM ANALYZE parley.members, parley.conversations, parley.contacts"
	postmaster=$(query -c "SELECT pg_read_file('postmaster.pid')" | head -n 1)
	sed 's|^\([0-9]*\) \([0-9]*\)$|/users/\1/conversations/\2/messages|' "$tmp/people-0" >"$tmp/push-paths"

	heading "push: $((2 * pairs)) streams on two gateways, $rate messages a second between connected pairs"
	for i in 0 1; do
		start_push_gateway $i
		memory[i]=$(memory_of "${push_pids[i]}")
	done
	open_streams "$((rate / 2))" "$long"
	for i in 0 1; do
		memory[i]=$(($(memory_of "${push_pids[i]}") - memory[i]))
		before[i]=$(cpu_of "${push_pids[i]}")
	done
	before[2]=$(cpu_of "$postmaster")
	start_push
	wait "${push_clients[@]}" || die "a client failed" "$(cat "$tmp"/pushed-*)"
	opened=$(awk '/^opened/ && $3 > m { m = $3 } END { print m }' "$tmp"/pushed-*)
	total=$(($(pushed 0 1) + $(pushed 1 1)))
	received=$(($(pushed 0 3) + $(pushed 1 3)))
	p50=$(printf '%s\n' "$(pushed 0 6)" "$(pushed 1 6)" | sort -g | tail -n 1)
	p99=$(printf '%s\n' "$(pushed 0 7)" "$(pushed 1 7)" | sort -g | tail -n 1)

	figure "opening them all, s" "$opened"
	bar "≤ 20 kB" "$(((memory[0] + memory[1]) / (2 * pairs)))" at-most 20
	figure "memory a stream, kB" "$(awk -v m="$((memory[0] + memory[1]))" -v n="$((2 * pairs))" 'BEGIN { printf "%.1f", m / n }')" "$said"
	figure "messages posted" "$total"
	figure "commit to client, p50, ms" "$p50"
	bar "≤ 50 ms" "$p99" at-most 50
	figure "commit to client, p99, ms" "$p99" "$said"
	figure "commit to client, max, ms" "$(printf '%s\n' "$(pushed 0 8)" "$(pushed 1 8)" | sort -g | tail -n 1)"
	bar "lost 0" "$((2 * total - received))" at-most 0
	figure "lost" "$((2 * total - received))" "$said"
	bar "repeated 0" "$(($(pushed 0 4) + $(pushed 1 4)))" at-most 0
	figure "repeated" "$(($(pushed 0 4) + $(pushed 1 4)))" "$said"
	for i in 0 1; do
		figure "processor time of gateway $((i + 1)), s" "$(awk -v a="${before[i]}" -v b="$(cpu_of "${push_pids[i]}")" 'BEGIN { printf "%.1f", b - a }')"
	done
	figure "processor time of PostgreSQL, s" "$(awk -v a="${before[2]}" -v b="$(cpu_of "$postmaster")" 'BEGIN { printf "%.1f", b - a }')"

	# Posts as fast as possible, first while nobody is connected, and then while everybody is and receives each of them.
	measure_posts push_post_without 32 "$tmp/push-paths" "$message"
	open_streams 0 3600
	start_push
	measure_posts push_post_with 32 "$tmp/push-paths" "$message"
	kill "${push_clients[@]}"
	wait "${push_clients[@]}" || true
	bar "≥ 0.9 of without" "$(ratio "$(value push_post_with rate)" "$(value push_post_without rate)")" at-least 0.9
	row "send, 32 connections, with streams" push_post_with "without streams" push_post_without rate "$said"
}
