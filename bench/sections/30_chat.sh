# shellcheck shell=bash
# Sending, to the table with all its messages and indexes, with durable commits; what reading costs meanwhile; sync.

# The plainest SQL for a message: increment the counter, insert the message. Each has its own conversation, as most messages do.
plain_sql() {
	cat <<-'SQL'
		\set place random(1, :conversations)
		BEGIN;
		UPDATE parley.conversations SET last_number = last_number + 1, last_message_at = clock_timestamp()
			WHERE id = (SELECT id FROM bench_conversations WHERE place = :place) RETURNING id, last_number \gset
		INSERT INTO parley.messages (conversation_id, number, created_at, content) VALUES (:id, :last_number, clock_timestamp(), :message);
		COMMIT;
	SQL
}

# The same in one statement, without a round trip in between.
one_statement() {
	cat <<-'SQL'
		\set place random(1, :conversations)
		WITH counted AS (
			UPDATE parley.conversations SET last_number = last_number + 1, last_message_at = clock_timestamp()
				WHERE id = (SELECT id FROM bench_conversations WHERE place = :place) RETURNING id, last_number, last_message_at)
		INSERT INTO parley.messages (conversation_id, number, created_at, content)
			SELECT id, last_number, last_message_at, :message FROM counted;
	SQL
}

# Creates a user with this many conversations, of which this many have a message newer than the cursor. Prints the path of sync
# with that cursor.
make_follower() {
	local conversations=$1 changed=$2 user cursor
	user=$(query -d "$copy" -c "SELECT id FROM parley.create_user('+99 ' || (1e9 + floor(random() * 1e9))::bigint)")
	query -d "$copy" >/dev/null <<-SQL
		SELECT parley.open_direct_conversation($user, id) FROM (
			SELECT id FROM parley.contacts WHERE id <> $user ORDER BY id LIMIT $conversations) c;
		SELECT parley.post_message(conversation_id, '$message') FROM parley.members, generate_series(1, 20) WHERE contact_id = $user;
	SQL
	cursor=$(query -d "$copy" -c "WITH RECURSIVE page AS (
			SELECT p.cursor, p.more FROM parley.sync($user, NULL, 200) p
			UNION ALL SELECT n.cursor, n.more FROM page p, parley.sync($user, p.cursor, 200) n WHERE p.more)
		SELECT cursor FROM page WHERE NOT more")
	query -d "$copy" -c "SELECT parley.post_message(conversation_id, '$message') FROM (
		SELECT conversation_id FROM parley.members WHERE contact_id = $user ORDER BY conversation_id LIMIT $changed) c" >/dev/null
	echo "/users/$user/sync?cursor=$cursor"
}

# while_sending COMMAND…: runs the command under the load of 32 sending connections
while_sending() {
	wrk -c 32 -t 2 -d 3600 --timeout 30 -s "$here/wrk_post.lua" "$copy_url" -- "$tmp/conversations" "$message" >/dev/null 9>&- &
	sender=$!
	"$@"
	stop_sending
}

stop_sending() {
	[ -n "${sender:-}" ] || return 0
	kill "$sender"
	wait "$sender" || true
	sender=
}

measure_reading() {
	measure_http "list_$1" /conversations 1
	measure_http "search_rare_$1" "/conversations?searchValue=netflix" 1
	measure_http "search_common_$1" "/conversations?searchValue=movie" 1
	measure_http "search_none_$1" "/conversations?searchValue=$(url_encode 'zanzibar quagmire')" 1
}

section_chat() {
	local i said conversations follower
	writable_copy
	local url=$copy_url
	on_exit stop_sending
	query -d "$copy" -c "CREATE TABLE bench_conversations AS
		SELECT id, row_number() OVER (ORDER BY id) AS place FROM parley.conversations WHERE kind = 'contact'" \
		-c "CREATE UNIQUE INDEX ON bench_conversations (place) INCLUDE (id)" -c "VACUUM ANALYZE bench_conversations"
	query -d "$copy" -c "SELECT '/conversations/' || id || '/messages' FROM bench_conversations" >"$tmp/conversations"
	conversations=$(wc -l <"$tmp/conversations")
	follower=$(make_follower 500 20)

	for ((i = 0; i < rounds; i++)); do
		measure_posts send_32 32 "$tmp/conversations" "$message"
		plain_sql | measure_script plain_32 32 "conversations=$conversations" "message='$message'"
		one_statement | measure_script statement_32 32 "conversations=$conversations" "message='$message'"
		measure_reading alone
		while_sending measure_reading busy
		measure_http sync_1 "$follower" 1
	done

	heading "chat: sending, to $conversations conversations at random; synchronous_commit = $(query -c 'SHOW synchronous_commit')"
	bar "≥ 0.9" "$(ratio "$(value send_32 rate)" "$(value plain_32 rate)")" at-least 0.9
	row "send, 32 connections" send_32 "UPDATE, INSERT by pgbench" plain_32 rate "$said"
	row "send, 32 connections" send_32 "both in one statement" statement_32 rate
	heading "chat: reading while 32 connections send"
	row "list" list_busy "without the load" list_alone p50
	row "search “netflix”" search_rare_busy "without the load" search_rare_alone p50
	row "search “movie”" search_common_busy "without the load" search_common_alone p50
	row "search two rare words, no match" search_none_busy "without the load" search_none_alone p50
	heading "chat: sync"
	bar "p50 ≤ 5 ms" "$(value sync_1 p50)" at-most 5
	row "sync, 20 of 500 conversations changed" sync_1 "list, 1 client" list_alone p50 "$said"
}
