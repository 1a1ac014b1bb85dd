# shellcheck shell=bash
# The functions with which sections measure and print. run.sh sources this file, and provides: $url, the gateway; PGHOST, PGPORT
# and PGDATABASE, the database (PGUSER=postgres, the superuser); $tmp, a directory for temporary files, including the
# measurements.
#
# A measurement has a name. $tmp/measured/NAME has one line per round: p50 and p99 in ms, calls per second. To compare two things,
# measure them alternately, round by round, so that whatever else the machine does affects both, and take the median of each.

seconds=${BENCH_SECONDS:-5}
rounds=${BENCH_ROUNDS:-3}
bars_met=0
bars_missed=0

note() {
	printf '%s\n' "$*" >&2
}

query() {
	PGOPTIONS="-c client_min_messages=warning" psql -XAtq -v ON_ERROR_STOP=1 "$@"
}

# url_encode TEXT: encodes a value for a query string
url_encode() {
	local LC_ALL=C text=$1 i character
	for ((i = 0; i < ${#text}; i++)); do
		character=${text:i:1}
		case $character in
			[a-zA-Z0-9.~_-]) printf '%s' "$character" ;;
			*) printf '%%%02X' "'$character" ;;
		esac
	done
}

# record NAME P50 P99 RATE
record() {
	mkdir -p "$tmp/measured"
	printf '%.3f %.3f %.4g\n' "$2" "$3" "$4" >>"$tmp/measured/$1"
}

# percentiles: reads numbers in ms, one per line. Prints p50, p99, and how many per second that makes one after another.
percentiles() {
	sort -g | awk '{ v[NR] = $1; sum += $1 }
		function rank(p) { r = int(p * NR + 0.999999); return v[r < 1 ? 1 : r] }
		END { if (NR == 0) exit 1; printf "%.3f %.3f %.2f\n", rank(0.5), rank(0.99), NR / sum * 1000 }'
}

# run_wrk NAME OPTION…: records what wrk measures. If the machine was so busy with other things that nothing was done, takes longer.
run_wrk() {
	local name=$1 time measured p50 p99 rate failed
	for ((time = seconds; time <= 64 * seconds; time *= 2)); do
		measured=$(wrk -d "$time" --timeout 30 "${@:2}" | sed -n 's/^measured //p')
		read -r p50 p99 rate failed <<<"$measured"
		[ "$failed" = 0 ] || die "$name: $failed requests failed" "wrk ${*:2}"
		[ "$rate" = 0.0 ] || break
	done
	record "$name" "$p50" "$p99" "$rate"
}

# run_pgbench NAME OPTION…: the same for pgbench and prepared statements
run_pgbench() {
	local name=$1 log=$tmp/transactions time p50 p99 rate
	for ((time = seconds; time <= 64 * seconds; time *= 2)); do
		rm -f "$log"*
		"$bin/pgbench" -n -M prepared -T "$time" --log --log-prefix="$log" "${@:2}" >"$tmp/pgbench.out" 2>"$tmp/pgbench.err" ||
			die "$name: pgbench failed" "$(cat "$tmp/pgbench.err")"
		rate=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$tmp/pgbench.out")
		[ -z "$rate" ] || break
	done
	read -r p50 p99 _ < <(cat "$log"* | awk '{ print $3 / 1000 }' | percentiles)
	record "$name" "$p50" "$p99" "$rate"
}

# measure_http NAME PATH CONNECTIONS [OPTION…]: keep-alive connections, each sending its next request as soon as it has a response;
# the options are wrk's
measure_http() {
	run_wrk "$1" -c "$3" -t "$(($3 > 1 ? 2 : 1))" -s "$here/wrk.lua" "${@:4}" "$url$2"
}

# time_requests COUNT URL: one client with keep-alive; prints the time of each request in ms
time_requests() {
	local count=$1 urls=()
	while ((count-- > 0)); do
		urls+=(-o /dev/null "$2")
	done
	curl -s -f -w '%{time_total}\n' "${urls[@]}" | awk '{ print $1 * 1000 }'
}

# measure_serial NAME PATH: one client, for slow requests: as many as fit in the time, but at least 3
measure_serial() {
	local count first p50 p99 rate
	first=$(curl -s -o /dev/null -w '%{http_code} %{time_total}' "$url$2")
	if [ "${first%% *}" != 200 ]; then
		note "$1: status ${first%% *} after ${first##* } s"
		record "$1" nan nan nan
		return
	fi
	count=$(awk -v s="$seconds" -v t="${first##* }" 'BEGIN { n = int(s / (t + 1e-6)); print (n < 3 ? 3 : n > 500 ? 500 : n) }')
	read -r p50 p99 rate < <(time_requests "$count" "$url$2" | percentiles)
	record "$1" "$p50" "$p99" "$rate"
}

# measure_pgbench NAME SQL CLIENTS [ROLE]: prepared statements, as the gateway's role unless another one is given
measure_pgbench() {
	printf '%s;\n' "$2" >"$tmp/script.sql"
	PGUSER=${4:-parley_gateway} run_pgbench "$1" -c "$3" -j "$(($3 > 1 ? 2 : 1))" -f "$tmp/script.sql"
}

# measure_query NAME SQL [RUNS]: for queries that take seconds: psql, prepared once, each run timed by the client
measure_query() {
	local runs=${3:-1} i p50 p99 rate
	{
		printf 'PREPARE q AS %s;\n\\o /dev/null\n\\timing on\n' "$2"
		for ((i = 0; i < runs; i++)); do echo 'EXECUTE q;'; done
	} >"$tmp/query.sql"
	read -r p50 p99 rate < <(query -f "$tmp/query.sql" | awk '/^Time:/ { print $2 }' | percentiles)
	record "$1" "$p50" "$p99" "$rate"
}

# value NAME p50|p99|rate: the median of the rounds
value() {
	local column
	case $2 in p50) column=1 ;; p99) column=2 ;; *) column=3 ;; esac
	awk -v c="$column" '{ print $c }' "$tmp/measured/$1" | sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# ratio A B: A / B
ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { if (a == "nan" || b == "nan" || b + 0 == 0) print "nan"; else printf "%.4g", a / b }'
}

heading() {
	printf '\n%s\n' "$1"
	printf '%-40s %9s %9s %9s  %-26s %9s %9s %8s  %s\n' what 'p50 ms' 'p99 ms' 'a second' peer 'p50 ms' 'a second' ratio bar
}

# row WHAT NAME PEER PEER_NAME rate|p50 [BAR]: the ratio of our calls per second, or p50, to the peer's
row() {
	printf '%-40s %9s %9s %9s  %-26s %9s %9s %8s  %s\n' "$1" "$(value "$2" p50)" "$(value "$2" p99)" "$(value "$2" rate)" \
		"$3" "$(value "$4" p50)" "$(value "$4" rate)" "$(ratio "$(value "$2" "$5")" "$(value "$4" "$5")")" "${6:-}"
}

# figure WHAT VALUE [BAR]: for sections without a peer
figure() {
	printf '%-52s %14s  %s\n' "$1" "$2" "${3:-}"
}

# bar TEXT VALUE at-most|at-least LIMIT: checks the value and counts the result; call it in the main shell, it sets $said
bar() {
	if [ "$messages" -lt 5000000 ]; then
		said="$1 (set for 5,000,000 messages)"
	elif awk -v v="$2" -v l="$4" -v how="$3" 'BEGIN { exit !(v != "nan" && (how == "at-most" ? v <= l : v >= l)) }'; then
		bars_met=$((bars_met + 1))
		said="$1: met"
	else
		bars_missed=$((bars_missed + 1))
		said="$1: NOT MET"
	fi
}

# writable_copy: for sections that write, because the loaded data must not change. Makes a copy of the database, $copy, and starts
# a gateway for it at $copy_url.
writable_copy() {
	[ -z "${copy:-}" ] || return 0
	copy=${PGDATABASE}_bench_copy
	copy_url=http://127.0.0.1:$((port + 1))
	note "copying the database for the sections that write"
	on_exit "query -d postgres -c 'DROP DATABASE IF EXISTS $copy WITH (FORCE)'"
	on_exit "query -d postgres -c 'ALTER DATABASE $PGDATABASE ALLOW_CONNECTIONS true'"
	query -d postgres -c "DROP DATABASE IF EXISTS $copy WITH (FORCE)" -c "ALTER DATABASE $PGDATABASE ALLOW_CONNECTIONS false" \
		-c "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '$PGDATABASE'" \
		-c "CREATE DATABASE $copy TEMPLATE $PGDATABASE STRATEGY file_copy" \
		-c "ALTER DATABASE $PGDATABASE ALLOW_CONNECTIONS true" >/dev/null
	PGDATABASE=$copy warm
	# Commits that wait at the same time share a write to the disk, so posting many messages needs more than the default
	# connections.
	PGUSER=parley_gateway PGDATABASE=$copy "$root/gateway/parleyd" --listen "${copy_url#http://}" --log-requests=false \
		--write-connections 16 --statement-timeout-ms 600000 --request-timeout-ms 600000 2>"$tmp/parleyd-copy.log" 9>&- &
	on_exit "kill $! 2>/dev/null; wait $!"
	curl -sf --retry 20 --retry-all-errors --retry-max-time 30 -o /dev/null "$copy_url/ready" ||
		die "parleyd does not serve $copy_url" "$(tail -n 5 "$tmp/parleyd-copy.log")"
	curl -sf --retry 20 --retry-all-errors --retry-max-time 30 -o /dev/null "$url/ready" || die "parleyd does not serve $url any more"
}

# restart_with_flush DATABASE [MICROSECONDS]: restarts our cluster, with flushes that take this long or, by default, with real ones
restart_with_flush() {
	local library gateway
	library=$(readlink -f "$bench_dir/cluster")/slow_flush.so
	as_owner sh -c 'rm -f "$1" && cat >"$1"' sh "$library" <"$here/slow_flush.so"
	bash "$root/deploy/local/cluster.sh" stop "$bench_dir"
	LD_PRELOAD=${2:+$library} FLUSH_US=${2:-} bash "$root/deploy/local/cluster.sh" start "$bench_dir"
	for gateway in "$url" ${copy_url:+"$copy_url"}; do
		curl -sf --retry 60 --retry-all-errors --retry-max-time 60 -o /dev/null "$gateway/ready"
	done
	PGDATABASE=$1 warm
}

# measure_posts NAME CONNECTIONS PATHS [CONTENT]: each connection posts repeatedly, to paths drawn at random from the file
measure_posts() {
	run_wrk "$1" -c "$2" -t 2 -s "$here/wrk_post.lua" "$copy_url" -- "$3" "${@:4}"
}

# measure_script NAME CLIENTS VARIABLE=VALUE… <SCRIPT: pgbench on the copy, prepared statements, as the superuser
measure_script() {
	local name=$1 clients=$2 variable variables=()
	shift 2
	for variable; do
		variables+=(-D "$variable")
	done
	cat >"$tmp/script.sql"
	run_pgbench "$name" -c "$clients" -j 2 -f "$tmp/script.sql" "${variables[@]}" "$copy"
}

# The content of posts: a message of average length.
message="Did you see it already? The second half is much better than the first, though the end comes a little soon for me."

# number of requests that one client makes for each list of conversations
requests=200

# term_name PREFIX TERM: the name of a measurement
term_name() {
	echo "$1_$(url_encode "$2")"
}

# like_pattern TERM: the ILIKE pattern that matches the term literally, to be put between quotes
like_pattern() {
	local term=${1//\'/\'\'} backslash='\'
	term=${term//"$backslash"/"$backslash$backslash"}
	term=${term//%/"$backslash%"}
	echo "%${term//_/"${backslash}_"}%"
}

# seed_search TERM: the query that most people would write first
seed_search() {
	local pattern
	pattern=$(like_pattern "$1")
	echo "SELECT message_id, content, created_at, contact_id, name, phone
		FROM (SELECT m.number AS message_id, m.content, m.created_at, p.id AS contact_id, p.name, p.phone,
				ROW_NUMBER() OVER (PARTITION BY m.conversation_id ORDER BY m.created_at DESC) AS rank
			FROM parley.messages m
				JOIN parley.conversations c ON c.id = m.conversation_id
				JOIN parley.contacts p ON p.id = coalesce(c.contact_id, m.sender_id)
			WHERE p.name ILIKE '$pattern' OR p.phone ILIKE '$pattern' OR m.content ILIKE '$pattern') matches
		WHERE rank = 1
		ORDER BY created_at DESC
		LIMIT 50"
}

# plain_search TERM [OFFSET]: the query that most people would write with pg_trgm's index, without names and phones
plain_search() {
	echo "SELECT * FROM (SELECT DISTINCT ON (conversation_id) conversation_id, number, content, created_at FROM parley.messages
		WHERE content ILIKE '$(like_pattern "$1")' ORDER BY conversation_id, created_at DESC, number DESC) m
		ORDER BY created_at DESC LIMIT 50 OFFSET ${2:-0}"
}
