# shellcheck shell=bash
# What one user's requests cost the others: GET /users/{user_id} of one user, alone, and while another user has 60 large responses that
# nobody reads, one that is read slowly, and 20 connections that repeat a search which looks at every message.

# token USER_ID: prints a token signed with the key of this section's gateway
token() {
	local head claims
	head=$(printf '{"alg":"HS256","typ":"JWT"}' | base64 -w 0 | tr '+/' '-_' | tr -d =)
	claims=$(printf '{"sub":"%s","exp":%d}' "$1" "$((EPOCHSECONDS + 3600))" | base64 -w 0 | tr '+/' '-_' | tr -d =)
	printf '%s.%s.%s' "$head" "$claims" "$(printf '%s.%s' "$head" "$claims" |
		openssl dgst -sha256 -hmac "$key" -binary | base64 -w 0 | tr '+/' '-_' | tr -d =)"
}

# A gateway that authenticates its callers, with default settings.
start_fair_gateway() {
	key=$(openssl rand -hex 32)
	(umask 077 && printf '%s' "$key" >"$tmp/key")
	fair_url=http://127.0.0.1:$((port + 4))
	PGUSER=parley_gateway PGDATABASE=$copy PARLEY_INSECURE=false "$root/gateway/parleyd" --listen "${fair_url#http://}" \
		--jwt-key-file "HS256:$tmp/key" --log-requests=false 2>"$tmp/parleyd-fair.log" 9>&- &
	on_exit "kill $! 2>/dev/null; wait $!"
	curl -sf --retry 20 --retry-all-errors --retry-max-time 30 -o /dev/null "$fair_url/ready" ||
		die "parleyd does not serve $fair_url" "$(tail -n 5 "$tmp/parleyd-fair.log")"
}

# A user whose account is asked for, and one who is in 20,000 conversations and in one with 200 messages of 60 kB as JSON each
make_users() {
	read -r quiet greedy large < <(PGDATABASE=$copy query -F ' ' <<-'SQL'
		\o /dev/null
		BEGIN;
		CREATE TEMP TABLE who AS SELECT (parley.create_user(phone => p)).id, n FROM (VALUES ('+1 999 555 0101', 1), ('+1 999 555 0102', 2)) v (p, n);
		CREATE TEMP TABLE large AS SELECT c.id FROM parley.open_direct_conversation((SELECT id FROM who WHERE n = 2), phone => '+1 999 555 0101') c;
		SELECT parley.open_account(id, 'EUR') FROM who;
		SELECT parley.post_message(large.id, repeat(chr(1), 10000), who.id) FROM large, who, generate_series(1, 200) WHERE n = 2;
		INSERT INTO parley.members (conversation_id, contact_id)
			SELECT c.id, who.id FROM parley.conversations c, who WHERE n = 2 AND c.kind = 'contact' LIMIT 20000;
		\o
		SELECT a.id, b.id, large.id FROM who a, who b, large WHERE a.n = 1 AND b.n = 2;
		COMMIT;
	SQL
	)
}

# Runs until it is killed, together with everything it started.
send_heavy_load() {
	trap 'kill $(jobs -p) 2>/dev/null; exit' TERM
	local i socket path="/users/$greedy/conversations/$large/messages?limit=200" search
	search="$fair_url/users/$greedy/conversations?searchValue=e&count=exact"
	for ((i = 0; i < 60; i++)); do
		exec {socket}<>"/dev/tcp/127.0.0.1/$((port + 4))"
		printf 'GET %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n' "$path" "$greedy_token" >&"$socket"
	done
	curl -s --limit-rate 20k -o /dev/null -H "Authorization: Bearer $greedy_token" "$fair_url$path" &
	wrk --threads 1 --connections 20 --duration 10m --timeout 1m -H "Authorization: Bearer $greedy_token" "$search" >/dev/null 2>&1 &
	wait
}

section_fairness() {
	local key fair_url quiet greedy large greedy_token i load
	writable_copy
	start_fair_gateway
	make_users
	greedy_token=$(token "$greedy")
	for ((i = 0; i < rounds; i++)); do
		url=$fair_url measure_http quiet "/users/$quiet" 4 -H "Authorization: Bearer $(token "$quiet")"
		send_heavy_load >/dev/null 2>&1 9>&- &
		load=$!
		url=$fair_url measure_http beside "/users/$quiet" 4 -H "Authorization: Bearer $(token "$quiet")"
		kill "$load" 2>/dev/null || true
		wait "$load" 2>/dev/null || true
	done
	heading "fairness: one user beside another one's 60 unread responses of 12 MB and 20 searches"
	bar "p99 ≤ 3 times" "$(ratio "$(value beside p99)" "$(value quiet p99)")" at-most 3
	row "GET /users/{user_id}" beside "alone" quiet p50 "$said"
}
