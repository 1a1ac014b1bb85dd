# shellcheck shell=bash
# The gateway itself: its routes compared with the same functions by pgbench, with libh2o alone if no database is involved, and
# with the same routes in Fastify and node-postgres; and its memory over a million requests.

# start_peer NAME PORT COMMAND…: starts a server that runs until the benchmark ends
start_peer() {
	local name=$1 peer_port=$2
	shift 2
	PORT=$peer_port PGUSER=parley_gateway "$@" >"$tmp/$name.log" 2>&1 9>&- &
	on_exit "kill $! 2>/dev/null; wait $!"
	curl -sf --retry 20 --retry-all-errors --retry-max-time 30 -o /dev/null "http://127.0.0.1:$peer_port/health" ||
		die "$name does not answer" "$(tail -n 5 "$tmp/$name.log")"
}

# measure_peer NAME PORT PATH: same as measure_http, for another server
measure_peer() {
	local url=http://127.0.0.1:$2
	measure_http "$1" "$3" 64
}

# memory_after REQUESTS: the gateway's memory in kB after this many requests
memory_after() {
	wrk -c 64 -t 2 -d "$(awk -v n="$1" -v r="$(value contact rate)" 'BEGIN { print int(n / r) + 1 }')" "$url/contacts/$contact" >/dev/null
	awk '/^VmRSS/ { print $2 }' "/proc/$parleyd_pid/status"
}

section_gateway() {
	local contact i said early late
	contact=$(query -c "SELECT min(id) FROM parley.contacts")
	build -C "$here/bare"
	[ -d "$here/fastify/node_modules" ] || (cd "$here/fastify" && npm ci --silent --no-audit --no-fund >/dev/null)
	start_peer bare $((port + 2)) "$here/bare/bare"
	start_peer fastify $((port + 3)) node "$here/fastify/server.mjs"

	for ((i = 0; i < rounds; i++)); do
		measure_http contact "/contacts/$contact" 64
		measure_pgbench contact_pgbench "SELECT * FROM parley.get_contact($contact)" 64
		measure_peer contact_fastify $((port + 3)) "/contacts/$contact"
		measure_http list /conversations 64
		measure_pgbench list_pgbench "SELECT * FROM parley.list_conversations()" 64
		measure_peer list_fastify $((port + 3)) /conversations
		measure_http health /health 64
		measure_peer health_bare $((port + 2)) /health
		measure_peer health_fastify $((port + 3)) /health
	done

	heading "gateway: 64 keep-alive connections"
	bar "≥ 0.6 of pgbench" "$(ratio "$(value contact rate)" "$(value contact_pgbench rate)")" at-least 0.6
	row "GET /contacts/{contact_id}" contact "pgbench" contact_pgbench rate "$said"
	bar "≥ 3 times Fastify" "$(ratio "$(value contact rate)" "$(value contact_fastify rate)")" at-least 3
	row "GET /contacts/{contact_id}" contact "Fastify, node-postgres" contact_fastify rate "$said"
	bar "≥ 0.9 of pgbench" "$(ratio "$(value list rate)" "$(value list_pgbench rate)")" at-least 0.9
	row "GET /conversations" list "pgbench" list_pgbench rate "$said"
	row "GET /conversations" list "Fastify, node-postgres" list_fastify rate
	bar "≥ 0.8 of bare libh2o" "$(ratio "$(value health rate)" "$(value health_bare rate)")" at-least 0.8
	row "GET /health" health "libh2o, one handler" health_bare rate "$said"
	row "GET /health" health "Fastify" health_fastify rate

	early=$(memory_after 100000)
	late=$(memory_after 900000)
	bar "≤ 1.05 times" "$(ratio "$late" "$early")" at-most 1.05
	printf '%-40s %s kB after 100,000 requests, %s kB after 1,000,000  %s\n' "memory" "$early" "$late" "$said"
}
