# shellcheck shell=bash
# Search for a fixed list of terms, over HTTP, against the shape one writes first: a join, an OR of three ILIKE, ROW_NUMBER.

# A word in one of twenty messages, in most, in few; two rare ones together; names and phones; two letters that never meet; one
# letter; characters that trigrams do not know.
search_terms=(movie the netflix 'violin jupiter' García 'Nguyễn' '555-1' 8005551 'qz' e '🙂' '100%' 'no such text at all')

# seed_search TERM
seed_search() {
	local term=${1//\'/\'\'} backslash='\'
	term=${term//"$backslash"/"$backslash$backslash"}
	term=${term//%/"$backslash%"}
	term=${term//_/"${backslash}_"}
	echo "SELECT message_id, content, created_at, contact_id, name, phone
		FROM (SELECT m.number AS message_id, m.content, m.created_at, p.id AS contact_id, p.name, p.phone,
				ROW_NUMBER() OVER (PARTITION BY m.conversation_id ORDER BY m.created_at DESC) AS rank
			FROM parley.messages m
				JOIN parley.conversations c ON c.id = m.conversation_id
				JOIN parley.contacts p ON p.id = coalesce(c.contact_id, m.sender_id)
			WHERE p.name ILIKE '%$term%' OR p.phone ILIKE '%$term%' OR m.content ILIKE '%$term%') matches
		WHERE rank = 1
		ORDER BY created_at DESC
		LIMIT 50"
}

section_search() {
	local term i name
	for i in "${!search_terms[@]}"; do
		term=${search_terms[i]}
		measure_serial "search_$i" "/conversations?searchValue=$(url_encode "$term")"
		measure_query "search_seed_$i" "$(seed_search "$term")"
	done
	heading "search: page 1 by searchValue, 1 client"
	for i in "${!search_terms[@]}"; do
		name="“${search_terms[i]}”"
		row "$name" "search_$i" "ILIKE OR ILIKE OR ILIKE" "search_seed_$i" rate
	done
}
