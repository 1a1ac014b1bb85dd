# shellcheck shell=bash
# The inbox in Chromium (inbox.mjs), on a copy of the loaded data: how long a person waits for the first list, for results while
# typing, and for a message that was posted elsewhere; how many nodes the page needs for 10,000 messages; how much it transfers.

# inbox WHAT ARGUMENT…: prints two figures
inbox() {
	node "$here/inbox.mjs" "$inbox_url" "$@" || die "the inbox could not be measured: $1"
}

section_inbox() {
	local inbox_url=http://127.0.0.1:$((port + 5)) p50 p95 contact conversation bytes
	bash "$root/deploy/local/packages.sh" chromium
	# newer packages of Node.js include npm
	command -v npm >/dev/null || bash "$root/deploy/local/packages.sh" nodejs npm
	[ -d "$root/test/node_modules/playwright-core" ] || npm ci --prefix "$root/test" --no-audit --no-fund >/dev/null
	writable_copy
	PGUSER=parley_gateway PGDATABASE=$copy "$root/gateway/parleyd" --listen "${inbox_url#http://}" --log-requests=false \
		--inbox-dir "$root/inbox" 2>"$tmp/parleyd-inbox.log" 9>&- &
	on_exit "kill $! 2>/dev/null; wait $!"
	curl -sf --retry 20 --retry-all-errors --retry-max-time 30 -o /dev/null "$inbox_url/ready" || die "parleyd does not serve $inbox_url"
	read -r contact conversation < <(PGDATABASE=$copy query -F ' ' -c "SELECT p.id, c.id FROM parley.create_contact('Someone talkative') p,
		parley.open_contact_conversation(p.id) c")
	PGDATABASE=$copy query -c "INSERT INTO parley.messages (conversation_id, number, sender_id, content, created_at)
		SELECT $conversation, n, CASE WHEN n % 2 = 0 THEN $contact END, 'message ' || n, now() - (10001 - n) * interval '1 min'
			FROM generate_series(1, 10000) n" \
		-c "UPDATE parley.conversations SET last_number = 10000, newest_number = 10000, last_message_at = now() WHERE id = $conversation"

	printf '\ninbox: %s messages, Chromium\n' "$messages"
	read -r p50 p95 _ < <(inbox list)
	bar "≤ 300 ms" "$p50" at-most 300
	figure "navigation to the first list, p50, ms" "$p50" "$said"
	figure "navigation to the first list, p95, ms" "$p95"
	read -r p50 p95 _ < <(inbox keys)
	bar "≤ 150 ms" "$p95" at-most 150
	figure "keystroke to results, p50, ms" "$p50"
	figure "keystroke to results, p95, ms" "$p95" "$said"
	read -r p50 p95 < <(inbox scroll "$conversation")
	bar "≤ 2000" "$p50" at-most 2000
	figure "most nodes while scrolling through $p95 messages" "$p50" "$said"
	read -r p50 p95 _ < <(inbox live "$conversation" "$contact")
	bar "≤ 300 ms" "$p95" at-most 300
	figure "posted elsewhere to shown, p50, ms" "$p50"
	figure "posted elsewhere to shown, p95, ms" "$p95" "$said"
	bytes=$(cat "$root"/inbox/* | wc -c)
	bar "≤ 65536" "$bytes" at-most 65536
	figure "the page's files, bytes" "$bytes" "$said"
	figure "the page's files, bytes, each by gzip" "$(for file in "$root"/inbox/*; do gzip -9c "$file"; done | wc -c)"
}
