# shellcheck shell=bash
# The list of recent conversations: over HTTP, compared with plain SQL that uses the stored number of the newest message (by
# pgbench), and with a DISTINCT ON over all messages.

# seed_list PAGE: the query that most people would write first. It reads, joins and sorts every message.
seed_list() {
	echo "SELECT message_id, content, created_at, contact_id, name, phone
		FROM (SELECT DISTINCT ON (m.conversation_id) m.conversation_id, m.number AS message_id, m.content, m.created_at,
				p.id AS contact_id, p.name, p.phone
			FROM parley.messages m
				JOIN parley.conversations c ON c.id = m.conversation_id
				JOIN parley.contacts p ON p.id = coalesce(c.contact_id, m.sender_id)
			ORDER BY m.conversation_id, m.number DESC) latest
		ORDER BY created_at DESC, conversation_id DESC
		LIMIT 50 OFFSET $((($1 - 1) * 50))"
}

# plain_list CONDITION: the query that uses the stored number of the newest message, and returns all columns of the list except the place
# of the term, which is null without one
plain_list() {
	echo "SELECT c.id AS conversation_id, m.number AS message_id, m.content, m.created_at AS timestamp, p.id AS contact_id, p.name,
			p.phone AS phone_number, c.kind,
			CASE WHEN NOT c.is_settled OR k.status = 'snoozed' AND k.snoozed_until <= now() THEN 'open' ELSE k.status END AS status,
			k.assignee_id, coalesce(k.labels, '{}') AS labels,
			CASE WHEN c.last_number > c.operator_read_number THEN (SELECT count(*) FROM (SELECT FROM parley.messages u
				WHERE u.conversation_id = c.id AND u.number > c.operator_read_number AND u.deleted_at IS NULL AND u.sender_id IS NOT NULL
				LIMIT 1000) u) ELSE 0 END AS unread,
			m.sender_id, m.agent_id
		FROM (SELECT * FROM parley.conversations c WHERE c.listed_at IS NOT NULL $1
				ORDER BY c.listed_at DESC, c.id DESC LIMIT 51) c
			JOIN parley.messages m ON m.conversation_id = c.id AND m.number = c.newest_number
			LEFT JOIN parley.contacts p ON p.id = coalesce(c.contact_id, m.sender_id)
			LEFT JOIN parley.cases k ON k.conversation_id = c.id
		ORDER BY c.listed_at DESC, c.id DESC"
}

section_list() {
	local conversations page cursor path deep i said
	conversations=$(query -c "SELECT count(*) FROM parley.conversations WHERE listed_at IS NOT NULL")
	page=$((conversations / 50 < 2000 ? conversations / 50 : 2000))
	# the cursor of the page after all the pages before it
	cursor=$(query -c "SELECT next_cursor FROM parley.recent_conversations(page => $((page - 1)))" | tail -n 1)
	path="/conversations?cursor=$(url_encode "$cursor")"
	deep=$(query -c "SELECT format('AND (c.listed_at, c.id) < (%L, %s)', listed_at, id) FROM parley.conversations
		WHERE listed_at IS NOT NULL ORDER BY listed_at DESC, id DESC OFFSET $(((page - 1) * 50 - 1)) LIMIT 1")

	for ((i = 0; i < rounds; i++)); do
		measure_http first_1 /conversations 1
		measure_pgbench first_plain_1 "$(plain_list "")" 1 postgres
		measure_http deep_1 "$path" 1
		measure_pgbench deep_plain_1 "$(plain_list "$deep")" 1 postgres
		measure_http first_32 /conversations 32
		measure_pgbench first_plain_32 "$(plain_list "")" 32 postgres
		measure_http deep_32 "$path" 32
		measure_pgbench deep_plain_32 "$(plain_list "$deep")" 32 postgres
		measure_query first_seed "$(seed_list 1)"
		measure_query deep_seed "$(seed_list "$page")"
	done

	heading "list: recent conversations, $conversations of them"
	bar "p50 ≤ 1.5 ms" "$(value first_1 p50)" at-most 1.5
	row "page 1, 1 client" first_1 "plain SQL, 1 client" first_plain_1 rate "$said"
	bar "p50 ≤ 1.6 of plain SQL" "$(ratio "$(value first_1 p50)" "$(value first_plain_1 p50)")" at-most 1.6
	row "page 1, 1 client" first_1 "plain SQL, 1 client" first_plain_1 p50 "$said"
	bar "≥ 0.8 of plain SQL" "$(ratio "$(value first_32 rate)" "$(value first_plain_32 rate)")" at-least 0.8
	row "page 1, 32 connections" first_32 "plain SQL, 32 clients" first_plain_32 rate "$said"
	bar "≥ 500 times" "$(ratio "$(value first_1 rate)" "$(value first_seed rate)")" at-least 500
	row "page 1, 1 client" first_1 "DISTINCT ON, 1 client" first_seed rate "$said"
	bar "p50 ≤ 1.5 of page 1" "$(ratio "$(value deep_1 p50)" "$(value first_1 p50)")" at-most 1.5
	row "page $page by cursor, 1 client" deep_1 "page 1, 1 client" first_1 p50 "$said"
	row "page $page by cursor, 1 client" deep_1 "plain SQL, 1 client" deep_plain_1 rate
	row "page $page by cursor, 32 connections" deep_32 "plain SQL, 32 clients" deep_plain_32 rate
	row "page $page by cursor, 1 client" deep_1 "DISTINCT ON, OFFSET" deep_seed rate
}
