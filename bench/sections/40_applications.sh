# shellcheck shell=bash
# Creating rows in one hot place: messages in one chat, chats in one application. Compared with a server that locks the parent and
# uses max + 1, each statement sent by itself, in the same tables.

# seed_message and seed_chat create a message and a chat in the chat and the application that are passed to pgbench
seed_message() {
	cat <<-'SQL'
		BEGIN;
		SELECT id FROM parley.conversations WHERE id = :conversation FOR UPDATE;
		SELECT coalesce(max(number), 0) + 1 AS next FROM parley.messages WHERE conversation_id = :conversation \gset
		INSERT INTO parley.messages (conversation_id, number, created_at, content) VALUES (:conversation, :next, now(), :message);
		COMMIT;
	SQL
}

seed_chat() {
	cat <<-'SQL'
		BEGIN;
		SELECT id FROM parley.applications WHERE id = :application FOR UPDATE;
		SELECT coalesce(max(number), 0) + 1 AS next FROM parley.conversations WHERE kind = 'chat' AND application_id = :application \gset
		INSERT INTO parley.conversations (kind, application_id, number) VALUES ('chat', :application, :next);
		COMMIT;
	SQL
}

# measure_flushes CONVERSATION: messages in one chat, on two kinds of disks
measure_flushes() {
	local i flush
	for flush in 100 3000; do
		restart_with_flush "$copy" "$flush"
		for ((i = 0; i < rounds; i++)); do
			measure_posts "hot_chat_$flush" 16 "$tmp/hot_chat" "$message"
			seed_message | measure_script "hot_chat_seed_$flush" 16 "conversation=$1" "message='$message'"
		done
		bar "≥ 2 times" "$(ratio "$(value "hot_chat_$flush" rate)" "$(value "hot_chat_seed_$flush" rate)")" at-least 2
		row "messages in one chat, flush $flush µs" "hot_chat_$flush" "FOR UPDATE, max + 1" "hot_chat_seed_$flush" rate "$said"
	done
	restart_with_flush "$copy"
}

section_applications() {
	local i said token application conversation
	writable_copy
	token=$(query -d "$copy" -c "SELECT token FROM parley.create_application('ours')")
	query -d "$copy" -c "SELECT parley.create_chat('$token')" -c "SELECT parley.create_application('the seed''s')" \
		-c "SELECT parley.create_chat(token) FROM parley.applications WHERE name = 'the seed''s'" >/dev/null
	application=$(query -d "$copy" -c "SELECT id FROM parley.applications WHERE name = 'the seed''s'")
	conversation=$(query -d "$copy" -c "SELECT id FROM parley.conversations WHERE kind = 'chat' AND application_id = $application")
	echo "/applications/$token/chats/1/messages" >"$tmp/hot_chat"
	echo "/applications/$token/chats" >"$tmp/hot_application"

	for ((i = 0; i < rounds; i++)); do
		measure_posts hot_chat 16 "$tmp/hot_chat" "$message"
		seed_message | measure_script hot_chat_seed 16 "conversation=$conversation" "message='$message'"
		measure_posts hot_application 16 "$tmp/hot_application"
		seed_chat | measure_script hot_application_seed 16 "application=$application"
	done

	heading "applications: creating in one place, 16 connections; synchronous_commit = $(query -c 'SHOW synchronous_commit')"
	bar "≥ 2 times" "$(ratio "$(value hot_chat rate)" "$(value hot_chat_seed rate)")" at-least 2
	row "messages in one chat" hot_chat "FOR UPDATE, max + 1" hot_chat_seed rate "$said"
	row "chats in one application" hot_application "FOR UPDATE, max + 1" hot_application_seed rate
	# On a cluster of our own, which can be restarted.
	[ -n "${BENCH_PGHOST:-}" ] || measure_flushes "$conversation"
}
