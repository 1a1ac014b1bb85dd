# shellcheck shell=bash
# Streams: pairs of users, each connected to a gateway of its own, post to each other at a steady rate. Measures how long a message
# takes from its commit to the other client, what is lost or repeated, and what it costs; what idle streams cost; posts as fast as
# possible while nobody is connected, while others are, and while both sides of each post are; and a gateway that stops. The peers
# are what one would write instead: polling, and NOTIFY by a trigger.
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
		--connection-limit "$push_limit" 2>"$tmp/push-$1.log" 9>&- &
	push_pids[$1]=$!
	on_exit "kill $! 2>/dev/null; wait $!"
	curl -sf --retry 20 --retry-all-errors --retry-max-time 30 -o /dev/null "http://127.0.0.1:$((port + 3 + $1))/ready" ||
		die "parleyd does not serve streams" "$(tail -n 5 "$tmp/push-$1.log")"
}

# open_streams RATE SECONDS [LINGER NEXT_PORT]: starts both clients and waits until all their streams are open. Each client then waits
# for a line on its fifo in push_starts. NEXT_PORT is where streams reconnect when their gateway stops; then only the second client
# posts.
open_streams() {
	local i
	for i in 0 1; do
		rm -f "$tmp/start-$i"
		mkfifo "$tmp/start-$i"
		"$here/push" 127.0.0.1 "$((port + 3 + i))" "$tmp/people-$i" "$(awk -v r="$1" -v i="$i" -v m="${4:-}" 'BEGIN { print m && !i ? 0 : r }')" \
			"$2" "${3:-5}" ${4:+"$4"} <"$tmp/start-$i" >"$tmp/pushed-$i" 9>&- &
		push_clients[i]=$!
		exec {push_starts[i]}>"$tmp/start-$i"
	done
	until grep -q '^opened' "$tmp/pushed-0" && grep -q '^opened' "$tmp/pushed-1"; do
		kill -0 "${push_clients[@]}" 2>/dev/null || die "a client ended" "$(cat "$tmp"/pushed-*)"
		sleep 0.2
	done
}

close_streams() {
	kill "${push_clients[@]}"
	wait "${push_clients[@]}" || true
}

start_push() {
	echo go >&"${push_starts[0]}"
	echo go >&"${push_starts[1]}"
}

# pushed N COLUMN: a figure that the client measured
pushed() {
	awk -v c="$2" '/^measured/ { print $(c + 1) }' "$tmp/pushed-$1"
}

# cpu_begin, cpu_since: processor time of both gateways and PostgreSQL in between, in seconds
cpu_begin() {
	cpu_before=$(cpu_of "${push_pids[@]}" "$push_postmaster")
}

cpu_since() {
	awk -v a="$cpu_before" -v b="$(cpu_of "${push_pids[@]}" "$push_postmaster")" 'BEGIN { printf "%.2f", b - a }'
}

push_make_people() {
	note "making $1 pairs of users"
	PGDATABASE=$copy query -c "CREATE TABLE public.bench_pairs AS
		SELECT a.id AS ann, b.id AS bob, d.id AS conversation FROM generate_series(1, $1) n,
			LATERAL (SELECT id FROM parley.create_user('+99 1 ' || to_char(n, 'FM000000000'))) a,
			LATERAL (SELECT id FROM parley.create_user('+99 2 ' || to_char(n, 'FM000000000'))) b,
			LATERAL (SELECT id FROM parley.open_direct_conversation(a.id, b.id)) d" \
		-c "COPY (SELECT ann, conversation FROM public.bench_pairs) TO STDOUT (DELIMITER ' ')" >"$tmp/people-0"
	PGDATABASE=$copy query -c "COPY (SELECT bob, conversation FROM public.bench_pairs) TO STDOUT (DELIMITER ' ')" >"$tmp/people-1"
	PGDATABASE=$copy query -c "SELECT '/conversations/' || id || '/messages' FROM parley.conversations WHERE kind = 'contact'" >"$tmp/push-others"
	PGDATABASE=$copy query -c "VACUUM ANALYZE parley.members, parley.conversations, parley.contacts"
	sed 's|^\([0-9]*\) \([0-9]*\)$|/users/\1/conversations/\2/messages|' "$tmp/people-0" >"$tmp/push-paths"
}

# push_talk PAIRS RATE SECONDS: measures the time from a message's commit to the other client
push_talk() {
	local memory=() i opened total received p50 p99 spent
	for i in 0 1; do
		memory[i]=$(memory_of "${push_pids[i]}")
	done
	open_streams "$(($2 / 2))" "$3"
	for i in 0 1; do
		memory[i]=$(($(memory_of "${push_pids[i]}") - memory[i]))
	done
	cpu_begin
	start_push
	wait "${push_clients[@]}" || die "a client failed" "$(cat "$tmp"/pushed-*)"
	spent=$(cpu_since)
	opened=$(awk '/^opened/ && $3 > m { m = $3 } END { print m }' "$tmp"/pushed-*)
	total=$(($(pushed 0 1) + $(pushed 1 1)))
	received=$(($(pushed 0 3) + $(pushed 1 3)))
	p50=$(printf '%s\n' "$(pushed 0 6)" "$(pushed 1 6)" | sort -g | tail -n 1)
	p99=$(printf '%s\n' "$(pushed 0 7)" "$(pushed 1 7)" | sort -g | tail -n 1)

	figure "opening them all, s" "$opened"
	bar "≤ 20 kB" "$(((memory[0] + memory[1]) / (2 * $1)))" at-most 20
	figure "memory a stream, kB" "$(awk -v m="$((memory[0] + memory[1]))" -v n="$((2 * $1))" 'BEGIN { printf "%.1f", m / n }')" "$said"
	figure "messages posted" "$total"
	figure "commit to client, p50, ms" "$p50"
	bar "≤ 50 ms" "$p99" at-most 50
	figure "commit to client, p99, ms" "$p99" "$said"
	figure "commit to client, max, ms" "$(printf '%s\n' "$(pushed 0 8)" "$(pushed 1 8)" | sort -g | tail -n 1)"
	bar "lost 0" "$((2 * total - received))" at-most 0
	figure "lost" "$((2 * total - received))" "$said"
	bar "repeated 0" "$(($(pushed 0 4) + $(pushed 1 4)))" at-most 0
	figure "repeated" "$(($(pushed 0 4) + $(pushed 1 4)))" "$said"
	figure "processor time a message, both told of it, µs" "$(awk -v s="$spent" -v n="$total" 'BEGIN { printf "%.0f", s * 1e6 / n }')"
}

# push_posts: posts as fast as possible, while nobody is connected, while others are, and while both sides of each post are
push_posts() {
	local i
	for ((i = 0; i < rounds; i++)); do
		measure_posts push_post_without 32 "$tmp/push-paths" "$message"
		measure_posts push_other_without 32 "$tmp/push-others" "$message"
	done
	open_streams 0 3600
	start_push
	cpu_begin
	sleep 5
	push_idle=$(cpu_since)
	for ((i = 0; i < rounds; i++)); do
		measure_posts push_post_with 32 "$tmp/push-paths" "$message"
		measure_posts push_other_with 32 "$tmp/push-others" "$message"
	done
	close_streams
	bar "≥ 0.9 of without" "$(ratio "$(value push_other_with rate)" "$(value push_other_without rate)")" at-least 0.9
	row "send, beside streams of others" push_other_with "without streams" push_other_without rate "$said"
	row "send, both sides told of each" push_post_with "without streams" push_post_without rate
	figure "streams while nothing happens, % of a processor" "$(awk -v s="$push_idle" 'BEGIN { printf "%.1f", s * 20 }')"
}

# push_peers: the same posts with NOTIFY by a trigger and two sessions that listen, and the cost of polling
push_peers() {
	local listeners=() i asked spent user
	PGDATABASE=$copy query -c "CREATE FUNCTION public.bench_notify() RETURNS trigger LANGUAGE plpgsql AS
			\$\$BEGIN PERFORM pg_notify('bench', NEW.conversation_id || ' ' || NEW.number); RETURN NULL; END\$\$" \
		-c "CREATE TRIGGER bench_notify AFTER INSERT ON parley.messages FOR EACH ROW EXECUTE FUNCTION public.bench_notify()"
	for i in 0 1; do
		printf 'LISTEN bench;\nSELECT 1 \\watch 0.02\n' | PGDATABASE=$copy query >/dev/null 2>&1 9>&- &
		listeners[i]=$!
	done
	for ((i = 0; i < rounds; i++)); do
		measure_posts push_post_notify 32 "$tmp/push-paths" "$message"
	done
	kill "${listeners[@]}"
	wait "${listeners[@]}" || true
	PGDATABASE=$copy query -c "DROP FUNCTION public.bench_notify() CASCADE"
	row "send, both sides told of each" push_post_with "NOTIFY by a trigger" push_post_notify rate

	user=$(head -n 1 "$tmp/people-0" | cut -d ' ' -f 1)
	local url=http://127.0.0.1:$((port + 3)) cursor
	cursor=$(curl -sf "$url/users/$user/sync?limit=200" | sed -n 's/.*"cursor":"\([^"]*\)".*/\1/p')
	cpu_begin
	measure_http push_poll "/users/$user/sync?cursor=$cursor" 32
	spent=$(cpu_since)
	asked=$(awk -v r="$(value push_poll rate)" -v s="$seconds" 'BEGIN { print r * s }')
	figure "asking once by sync for nothing, µs of a processor" "$(awk -v s="$spent" -v n="$asked" 'BEGIN { printf "%.0f", s * 1e6 / n }')"
	for i in 10 1; do
		figure "20,000 users who ask every $i s, % of a processor" "$(awk -v s="$spent" -v n="$asked" -v i="$i" 'BEGIN { printf "%.0f", 2e6 * s / n / i }')"
	done
}

# push_move: stops a gateway while messages are posted; its streams reconnect to the other one
push_move() {
	local before after heard
	# as many as fit beside those that move
	head -n "$((push_limit - $(wc -l <"$tmp/people-0") - 500))" "$tmp/people-1" >"$tmp/people"
	mv "$tmp/people" "$tmp/people-1"
	before=$(PGDATABASE=$copy query -c "SELECT sum(last_number) FROM parley.conversations c JOIN public.bench_pairs p ON p.conversation = c.id")
	open_streams 100 5 25 "$((port + 4))"
	start_push
	sleep 1
	kill "${push_pids[0]}"
	wait "${push_clients[@]}" || die "a client failed" "$(cat "$tmp"/pushed-*)"
	after=$(PGDATABASE=$copy query -c "SELECT sum(last_number) FROM parley.conversations c JOIN public.bench_pairs p ON p.conversation = c.id")
	heard=$(awk '/^moved/ { print $4 }' "$tmp/pushed-0")
	figure "a gateway stops: streams that moved" "$(awk '/^moved/ { print $2 }' "$tmp/pushed-0")"
	bar "≤ 10 s" "$(awk '/^moved/ { print $3 }' "$tmp/pushed-0")" at-most 10
	figure "until the last is back, s" "$(awk '/^moved/ { print $3 }' "$tmp/pushed-0")" "$said"
	bar "lost 0" "$((after - heard + $(pushed 0 5)))" at-most 0
	figure "messages meanwhile, and lost of them" "$((after - before)), $((after - heard + $(pushed 0 5)))" "$said"
	bar "repeated 0" "$(($(pushed 0 4) + $(pushed 1 4)))" at-most 0
	figure "repeated" "$(($(pushed 0 4) + $(pushed 1 4)))" "$said"
}

section_push() {
	local pairs=${BENCH_PAIRS:-10000} rate=${BENCH_RATE:-1000} long=${BENCH_PUSH_SECONDS:-60}
	local push_pids=() push_clients=() push_starts=() push_postmaster push_idle cpu_before said
	# One gateway takes the other's streams when that one stops.
	local push_limit=$((2 * pairs + 1000))
	ulimit -n "$((push_limit + 1000))" 2>/dev/null || push_limit=$(($(ulimit -Hn) - 1000))
	[ "$push_limit" -gt "$((pairs + 1000))" ] || die "only $(ulimit -Hn) open files are allowed, which is too few for $pairs pairs" "Set BENCH_PAIRS."
	writable_copy
	push_make_people "$pairs"
	push_postmaster=$(query -c "SELECT pg_read_file('postmaster.pid')" | head -n 1)
	start_push_gateway 0
	start_push_gateway 1

	heading "push: $((2 * pairs)) streams on two gateways, $rate messages a second between connected pairs"
	push_talk "$pairs" "$rate" "$long"
	push_posts
	push_peers
	push_move
}
