# shellcheck shell=bash
# Lists with each filter, over HTTP, on a copy with cases: without a term, and with a frequent, a less frequent and an absent term. Then
# the lists of open and of resolved conversations when nearly all are resolved.

filter_terms=('' the netflix zzqqx)

# make_cases: 3 conversations are resolved, and 1 % snoozed. One agent has 1 of 500, another a third. One label is on 1 of 5,000, another
# on a third. 50 conversations have messages that the operator has not read.
make_cases() {
	query -d "$copy" -c "INSERT INTO parley.agents (name, email) SELECT 'Agent ' || i, format('agent%s@bench.example', i) FROM generate_series(1, 2) i" \
		-c "INSERT INTO parley.cases (conversation_id, status, snoozed_until, assignee_id, labels)
			SELECT id, CASE WHEN i <= 3 THEN 'resolved' WHEN i % 100 = 7 THEN 'snoozed' ELSE 'open' END, CASE WHEN i > 3 AND i % 100 = 7 THEN now() + interval '1 year' END,
				CASE WHEN i % 500 = 1 THEN (SELECT min(id) FROM parley.agents) WHEN i % 3 = 0 THEN (SELECT max(id) FROM parley.agents) END,
				CASE WHEN i % 5000 = 1 THEN '{few,many}' WHEN i % 3 = 0 THEN '{many}' ELSE '{}' END::text[]
			FROM (SELECT id, row_number() OVER (ORDER BY md5(id::text)) AS i FROM parley.conversations WHERE kind <> 'chat') c" \
		-c "UPDATE parley.conversations c SET is_settled = true FROM parley.cases k WHERE k.conversation_id = c.id AND k.status <> 'open'" \
		-c "UPDATE parley.conversations SET operator_read_number = greatest(last_number - 3, 0)
			WHERE id IN (SELECT id FROM parley.conversations WHERE kind <> 'chat' ORDER BY md5(id::text || 'unread') LIMIT 50)" \
		-c "VACUUM ANALYZE parley.cases, parley.conversations"
}

# settle_all: resolves all conversations except 30
settle_all() {
	query -d "$copy" -c "UPDATE parley.cases SET status = 'resolved', snoozed_until = NULL
			WHERE conversation_id NOT IN (SELECT id FROM parley.conversations ORDER BY md5(id::text || 'open') LIMIT 30)" \
		-c "UPDATE parley.conversations c SET is_settled = true FROM parley.cases k WHERE k.conversation_id = c.id AND k.status = 'resolved'" \
		-c "VACUUM ANALYZE parley.cases, parley.conversations"
}

# choose_filters: sets $filters to NAME|PARAMETERS, where PARAMETERS are added to the query
choose_filters() {
	local from to long_ago agent sender
	IFS='|' read -r from to long_ago agent sender < <(query -d "$copy" -c "SELECT parley.rfc3339(newest - interval '180 days'), parley.rfc3339(newest - interval '150 days'),
			parley.rfc3339(oldest + (newest - oldest) / 10), (SELECT min(id) FROM parley.agents),
			(SELECT sender_id FROM parley.messages WHERE sender_id IS NOT NULL ORDER BY created_at DESC LIMIT 1)
		FROM (SELECT max(created_at) AS newest, min(created_at) AS oldest FROM parley.messages) m")
	filters=("a month|from=$from&to=$to" "until long ago|to=$long_ago" "sender=contact|sender=contact" "sender=operator|sender=operator"
		"sender=ID|sender=$sender" "unread, 50|unread=true" "unread=false|unread=false" "open, nearly all|status=open" "snoozed, 1 %|status=snoozed"
		"resolved, 3|status=resolved" "assignee of 1 in 500|assignee_id=$agent" "nobody's|assignee_id=0" "label on 1 in 5,000|label=few"
		"label on a third|label=many" "a month, contact, unread|from=$from&to=$to&sender=contact&unread=true")
}

measure_filters() {
	local filter term url i p50 p99 rate
	for ((i = 0; i < rounds; i++)); do
		for filter in "${filters[@]}"; do
			for term in "${filter_terms[@]}"; do
				url="$copy_url/conversations?searchValue=$(url_encode "$term")&${filter#*|}"
				read -r p50 p99 rate < <(time_requests "$requests" "$url" | percentiles) ||
					die "requests for $filter failed" "$url"
				record "$(term_name "filter" "${filter%%|*} $term")" "$p50" "$p99" "$rate"
			done
		done
	done
}

print_filters() {
	local filter term name figures worst
	for filter in "${filters[@]}"; do
		figures='' worst=0
		for term in "${filter_terms[@]}"; do
			name=$(term_name filter "${filter%%|*} $term")
			figures+=$(printf '%8s %8s  ' "$(value "$name" p50)" "$(value "$name" p99)")
			worst=$(awk -v a="$worst" -v b="$(value "$name" p99)" 'BEGIN { print (a > b ? a : b) }')
		done
		bar "p99 ≤ 20" "$worst" at-most 20
		printf '%-30s %s %s\n' "${filter%%|*}" "$figures" "$said"
	done
}

section_filters() {
	local filters
	writable_copy
	make_cases
	choose_filters
	PGDATABASE=$copy warm
	measure_filters
	printf '\n%s\n%-30s %17s   %17s   %17s   %17s   %s\n' "lists narrowed by filters, ms" 'p50 and p99 of' 'no term' "the" netflix 'absent' bar
	print_filters
	settle_all
	PGDATABASE=$copy warm
	filters=("open, 30|status=open" "open, 30, sender=contact|status=open&sender=contact" "resolved, all but 30|status=resolved")
	measure_filters
	print_filters
}
