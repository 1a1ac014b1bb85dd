# shellcheck shell=bash
# Search for every kind of term, over HTTP, on a copy: the slowest term of each class; its pages 2 and 20; the same while messages
# arrive, and on a tenth of the messages. Compared with the query that most people would write first, and with plain ILIKE with
# pg_trgm's index. Also what the index costs in space and in posts.

# class|the bar for p99, ms|terms, separated by ~; the peers search for the first of them
term_classes=(
	'frequent|10|the~movie'
	'medium|20|netflix~violin'
	'medium, old|30|walkman'
	'rare, several words|20|violin jupiter~neutral search engine~the and'
	'absent|20|zzqqx~no such text at all~and that the with of~the people movie think'
	'one letter or digit|20|e~q~z~7'
	'two letters|20|qz~th~zx~wo'
	'other scripts, one character|20|好~ж~م~न~龘'
	'other scripts, two|20|你好~мы~مر~नम~龘好'
	'emoji, punctuation|20|🙂~🦖~?!~%~100%~_~\'
	'contact name|20|James~a~García~Nguyễn'
	'phone|20|555-12~8005551~(203'
)
# A word that was put into old messages by editing them all at once, so these are together at the end of the table.
edited_class='old, all in messages edited|30|oldestword'

# terms_of CLASS: sets the array terms
terms_of() {
	local rest=${1#*|}
	IFS='~' read -ra terms <<<"${rest#*|}"
}

# page_by_links URL PAGE: the page that following the links called next leads to, or the last page
page_by_links() {
	local url=$1 page next
	for ((page = 1; page < $2; page++)); do
		next=$(curl -s -f -o /dev/null -D - "$url" | sed -n 's/^[Ll]ink:.*<\([^>]*\)>; rel="next".*/\1/p')
		[ -n "$next" ] || break
		case $next in /*) next=${url%%/conversations*}$next ;; esac
		url=$next
	done
	echo "$url"
}

# term_url TERM URL [QUERY [PAGE]]: a search for the term; the page by links if it is given
term_url() {
	local url
	url="$2/conversations?searchValue=$(url_encode "$1")${3:-}"
	if [ -n "${4:-}" ]; then page_by_links "$url" "$4"; else echo "$url"; fi
}

# measure_alternately NAME URL [NAME URL…]: one client with keep-alive. What the machine does besides changes within seconds, so a
# quarter of the requests goes to each URL in turn. The first request of each turn is not counted.
measure_alternately() {
	local turn i pairs=("$@") p50 p99 rate
	for ((turn = 0; turn < 4; turn++)); do
		for ((i = 0; i < $#; i += 2)); do
			time_requests $((requests / 4 + 1)) "${pairs[i + 1]}" | tail -n +2 >>"$tmp/times_$i" ||
				die "${pairs[i]}: requests failed" "${pairs[i + 1]}"
		done
	done
	for ((i = 0; i < $#; i += 2)); do
		read -r p50 p99 rate < <(percentiles <"$tmp/times_$i")
		record "${pairs[i]}" "$p50" "$p99" "$rate"
		rm "$tmp/times_$i"
	done
}

# measure_terms PREFIX|URL[|QUERY[|PAGE]]…: all terms of all classes; what is given, alternately for each term
measure_terms() {
	local class term what prefix url query page pairs
	for class in "${term_classes[@]}"; do
		terms_of "$class"
		for term in "${terms[@]}"; do
			pairs=()
			for what; do
				IFS='|' read -r prefix url query page <<<"$what"
				pairs+=("$(term_name "$prefix" "$term")" "$(term_url "$term" "$url" "$query" "$page")")
			done
			measure_alternately "${pairs[@]}"
		done
	done
}

# worst PREFIX p50|p99 [OF_PREFIX]: the term with the largest figure, or with the largest ratio to its figure in another
# measurement. Sets $worst_term, $worst_figure and $worst_ratio.
worst() {
	local term figure ratio=1 most=-1 measured
	for term in "${terms[@]}"; do
		figure=$(value "$(term_name "$1" "$term")" "$2")
		[ -z "${3:-}" ] || ratio=$(ratio "$figure" "$(value "$(term_name "$3" "$term")" "$2")")
		measured=${3:+$ratio}
		measured=${measured:-$figure}
		if awk -v a="$measured" -v b="$most" 'BEGIN { exit !(a > b) }'; then
			most=$measured worst_term=$term worst_figure=$figure worst_ratio=$ratio
		fi
	done
}

# Keeps only these of the search indexes up to date, as if the others did not exist.
keep_indexes() {
	query -d "$copy" -c "UPDATE pg_index SET indisready = c.relname ~ '$1', indisvalid = c.relname ~ '$1' FROM pg_class c
		WHERE c.oid = indexrelid AND c.relname IN ('messages_grams', 'messages_newest', 'messages_block_times', 'bench_trgm')"
}

edit_old_messages() {
	query -d "$1" -c "UPDATE parley.messages SET content = left(content, 9900) || ' oldestword' WHERE content IS NOT NULL AND random() < 0.02
		AND created_at < (SELECT min(created_at) + (max(created_at) - min(created_at)) / 10 FROM parley.messages)" \
		-c "VACUUM ANALYZE parley.messages"
}

# Loads a tenth of the messages into a database of their own, $tenth, served at $tenth_url.
serve_a_tenth() {
	tenth=${PGDATABASE}_bench_tenth
	tenth_url=http://127.0.0.1:$((port + 4))
	note "loading a tenth of the messages, to see what growth costs"
	on_exit "query -d postgres -c 'DROP DATABASE IF EXISTS $tenth WITH (FORCE)'"
	query -d postgres -c "DROP DATABASE IF EXISTS $tenth WITH (FORCE)" -c "CREATE DATABASE $tenth TEMPLATE template0"
	query -d "$tenth" -c "CREATE EXTENSION parley CASCADE"
	PGDATABASE=$tenth "$here/populate" "${populate_options[@]}" --contacts "$(query -c 'SELECT count(*) FROM parley.contacts')" \
		--messages "$((messages / 10))" 2>"$tmp/tenth.log" || die "the tenth was not loaded" "$(tail -n 3 "$tmp/tenth.log")"
	PGDATABASE=$tenth warm
	PGUSER=parley_gateway PGDATABASE=$tenth "$root/gateway/parleyd" --listen "${tenth_url#http://}" --log-requests=false \
		2>"$tmp/parleyd-tenth.log" 9>&- &
	on_exit "kill $! 2>/dev/null; wait $!"
	curl -sf --retry 20 --retry-all-errors --retry-max-time 30 -o /dev/null "$tenth_url/ready" || die "parleyd does not serve $tenth_url"
}

arrive() {
	printf '\\set start random(1, %s)\n%s\n' "$(query -d "$copy" -c 'SELECT max(id) FROM parley.conversations')" \
		"SELECT parley.post_message((SELECT id FROM parley.conversations WHERE id >= :start ORDER BY id LIMIT 1), 'the usual words arrive');" >"$tmp/arrivals.sql"
	"$bin/pgbench" -n -M prepared -c 4 -j 1 -R 1000 -T 3600 -f "$tmp/arrivals.sql" "$copy" >/dev/null 2>&1 &
	arrivals=$!
	on_exit "kill $arrivals 2>/dev/null"
}

# Page 1 in the copy and on a tenth of the messages, and pages 2 and 20 by number and by links, in rounds
measure_pages() {
	local i
	for ((i = 0; i < rounds; i++)); do
		measure_terms "page1|$copy_url" "tenth|$tenth_url" "page2|$copy_url|&page=2" "page20|$copy_url|&page=20" \
			"link2|$copy_url||2" "link20|$copy_url||20"
	done
}

measure_peers() {
	local class
	for class in "${term_classes[@]}"; do
		terms_of "$class"
		PGDATABASE=$copy measure_query "$(term_name plain "${terms[0]}")" "$(plain_search "${terms[0]}")"
		PGDATABASE=$copy measure_query "$(term_name plain20 "${terms[0]}")" "$(plain_search "${terms[0]}" 950)"
		PGDATABASE=$copy measure_query "$(term_name seed "${terms[0]}")" "$(seed_search "${terms[0]}")"
	done
}

measure_posts_with() {
	local post="SELECT parley.post_message((SELECT id FROM parley.conversations WHERE id >= :start ORDER BY id LIMIT 1),
		coalesce((SELECT content::text FROM parley.messages WHERE content IS NOT NULL AND conversation_id > :start LIMIT 1), 'hello'));"
	keep_indexes "$2"
	printf '\\set start random(1, %s)\n%s\n' "$(query -d "$copy" -c 'SELECT max(id) FROM parley.conversations')" "$post" |
		measure_script "$1" 8
}

# peer_value PEER: its figure for the first of the terms, if that was measured
peer_value() {
	local name
	name=$(term_name "$1" "${terms[0]}")
	if [ -e "$tmp/measured/$name" ]; then value "$name" p50; else echo –; fi
}

print_first_pages() {
	local class limit
	printf '\n%s\n%-30s %-24s %8s %8s  %-14s %9s  %-22s %10s %10s\n' "search by class of term: the worst term of each, ms" \
		'page 1' term p50 p99 bar 'arriving' 'bar, twice the above' 'ILIKE p50' 'seed p50'
	for class in "${term_classes[@]}"; do
		terms_of "$class"
		limit=${class#*|}
		limit=${limit%%|*}
		worst busy p99
		busy=$worst_figure
		worst page1 p99
		bar "≤ $limit" "$worst_figure" at-most "$limit"
		printf '%-30s %-24s %8s %8s  %-14s ' "${class%%|*}" "$worst_term" "$(value "$(term_name page1 "$worst_term")" p50)" "$worst_figure" "$said"
		bar "≤ $((2 * limit))" "$busy" at-most $((2 * limit))
		printf '%9s  %-22s %10s %10s\n' "$busy" "$said" "$(peer_value plain)" "$(peer_value seed)"
	done
}

# print_ratios TITLE COLUMN PREFIX OF_PREFIX LIMIT: the ratio of one measurement to another for the worst term of each class, and
# the worst ratio of the medians, which a single slow request in a hundred does not affect
print_ratios() {
	local class
	printf '\n%s\n%-30s %-24s %10s %8s  %-24s %14s\n' "$1" class term "$2, ms" times bar 'p50: times'
	for class in "${term_classes[@]}"; do
		terms_of "$class"
		worst "$3" "$2" "$4"
		bar "≤ $5 times" "$worst_ratio" at-most "$5"
		printf '%-30s %-24s %10s %8s  %-24s ' "${class%%|*}" "$worst_term" "$worst_figure" "$worst_ratio" "$said"
		worst "$3" p50 "$4"
		printf '%14s\n' "$worst_ratio"
	done
}

# print_numbered: page 20 by number, which takes a thousand conversations, next to the same in plain SQL, for the first term of each class
print_numbered() {
	local class term figure
	printf '\n%s\n%-30s %-24s %10s %12s %8s  %s\n' "page 20 by number, beside plain ILIKE with pg_trgm's index" class term 'p99, ms' 'ILIKE, ms' times bar
	for class in "${term_classes[@]}"; do
		terms_of "$class"
		term=${terms[0]}
		[ "$(peer_value plain20)" != – ] || continue
		figure=$(value "$(term_name page20 "$term")" p99)
		bar "≤ 3 times" "$(ratio "$figure" "$(peer_value plain20)")" at-most 3
		printf '%-30s %-24s %10s %12s %8s  %s\n' "${class%%|*}" "$term" "$figure" "$(peer_value plain20)" "$(ratio "$figure" "$(peer_value plain20)")" "$said"
	done
}

print_costs() {
	bar "≤ 1.5 times" "$(ratio "$size_ours" "$size_theirs")" at-most 1.5
	printf '\nindex bytes a message: %s; pg_trgm alone %s; %s times; %s\n' "$(ratio "$size_ours" "$messages")" \
		"$(ratio "$size_theirs" "$messages")" "$(ratio "$size_ours" "$size_theirs")" "$said"
	bar "≥ 0.8 times" "$(ratio "$(value posts_grams rate)" "$(value posts_trgm rate)")" at-least 0.8
	heading "posting, 8 clients"
	row "with the indexes of search" posts_grams "pg_trgm's GIN alone" posts_trgm rate "$said"
}

section_terms() {
	local arrivals busy size_ours size_theirs tenth tenth_url worst_term worst_figure worst_ratio terms i all=("${term_classes[@]}")
	writable_copy
	serve_a_tenth
	note "building pg_trgm's index to compare with"
	query -d "$copy" -c "CREATE INDEX bench_trgm ON parley.messages USING gin (content public.gin_trgm_ops)"
	read -r size_ours size_theirs < <(query -d "$copy" -F ' ' -c "SELECT pg_relation_size('parley.messages_grams')
		+ pg_relation_size('parley.messages_newest') + pg_relation_size('parley.messages_block_times'), pg_relation_size('parley.bench_trgm')")
	measure_peers
	keep_indexes '^messages_'
	query -d "$copy" -c CHECKPOINT
	PGDATABASE=$copy warm
	measure_pages

	edit_old_messages "$copy"
	edit_old_messages "$tenth"
	PGDATABASE=$copy warm
	PGDATABASE=$tenth warm
	term_classes=("$edited_class")
	measure_pages
	term_classes=("${all[@]}" "$edited_class")
	arrive
	for ((i = 0; i < rounds; i++)); do
		measure_terms "busy|$copy_url"
	done
	kill "$arrivals"
	wait "$arrivals" || true
	for ((i = 0; i < rounds; i++)); do
		measure_posts_with posts_grams '^messages_'
		measure_posts_with posts_trgm '^bench_trgm$'
	done

	print_first_pages
	print_ratios "page 2 by its link, beside page 1" p99 link2 page1 3
	print_ratios "page 20 by its links, beside page 1" p99 link20 page1 3
	print_ratios "page 2 by number, beside page 1" p99 page2 page1 3
	print_numbered
	print_ratios "all messages beside a tenth of them, page 1" p50 page1 tenth 1.5
	print_costs
}
