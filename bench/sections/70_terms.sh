# shellcheck shell=bash
# Search for every kind of term, over HTTP, on a copy: the worst term of each class, its pages 2 and 20, the same while messages
# arrive, beside plain ILIKE with pg_trgm's index where that can finish; and what the index costs in space and in posts.

# class|the most that p99 may be, ms|terms, separated by ~; the peer is asked for the first of them
term_classes=(
	'frequent|10|the~movie'
	'medium|20|netflix~violin'
	'medium, old|30|oldestword'
	'rare, several words|20|violin jupiter~neutral search engine'
	'absent|20|zzqqx~no such text at all~and that the with of~the people movie think'
	'one letter or digit|20|e~q~z~7'
	'two letters|20|qz~th~zx'
	'other scripts, one character|20|好~ж~م~न~龘'
	'other scripts, two|20|你好~мы~مر~नम~龘好'
	'emoji, punctuation|20|🙂~🦖~?!~%~100%~_~\'
	'contact name|20|James~a~García~Nguyễn'
	'phone|20|555-12~8005551~(203'
)

# terms_of CLASS: into the array terms
terms_of() {
	local rest=${1#*|}
	IFS='~' read -ra terms <<<"${rest#*|}"
}

# measure_requests NAME PATH COUNT: one client, keep-alive, as many requests
measure_requests() {
	local count=$3 urls=() p50 p99 rate
	while ((count-- > 0)); do
		urls+=(-o /dev/null "$copy_url$2")
	done
	read -r p50 p99 rate < <(curl -s -f -w '%{time_total}\n' "${urls[@]}" | awk '{ print $1 * 1000 }' | percentiles) ||
		die "$1: requests failed" "$copy_url$2"
	record "$1" "$p50" "$p99" "$rate"
}

# measure_terms PREFIX COUNT QUERY: all terms of all classes; a class's own measurement is its worst term's, named in $worst_PREFIX
measure_terms() {
	local class term name i=0 worst
	for class in "${term_classes[@]}"; do
		terms_of "$class"
		worst=
		for term in "${terms[@]}"; do
			name=$1_${i}_$term
			name=${name//\//}
			measure_requests "$name" "/conversations?searchValue=$(url_encode "$term")$3" "$2"
			if [ -z "$worst" ] || awk -v a="$(value "$name" p99)" -v b="$(value "$worst" p99)" 'BEGIN { exit !(a > b) }'; then
				worst=$name
			fi
		done
		cp "$tmp/measured/$worst" "$tmp/measured/$1_$i"
		echo "${worst#"$1_${i}_"}" >"$tmp/measured/$1_$i.term"
		i=$((i + 1))
	done
}

# plain_search TERM: what one writes with pg_trgm's index, without names and phones
plain_search() {
	local term=${1//\'/\'\'} backslash='\'
	term=${term//"$backslash"/"$backslash$backslash"}
	term=${term//%/"$backslash%"}
	term=${term//_/"${backslash}_"}
	echo "SELECT * FROM (SELECT DISTINCT ON (conversation_id) conversation_id, number, content, created_at FROM parley.messages
		WHERE content ILIKE '%$term%' ORDER BY conversation_id, created_at DESC, number DESC) m ORDER BY created_at DESC LIMIT 50"
}

# Only these indexes are kept up to date: the others are as if they were not there.
keep_indexes() {
	query -d "$copy" -c "UPDATE pg_index SET indisready = c.relname ~ '$1', indisvalid = c.relname ~ '$1' FROM pg_class c
		WHERE c.oid = indexrelid AND c.relname IN ('messages_grams', 'messages_newest', 'messages_block_times', 'bench_trgm')"
}

measure_costs() {
	local round post="SELECT parley.post_message((SELECT id FROM parley.conversations WHERE id >= :start ORDER BY id LIMIT 1),
		coalesce((SELECT content::text FROM parley.messages WHERE content IS NOT NULL AND conversation_id > :start LIMIT 1), 'hello'));"
	for ((round = 0; round < rounds; round++)); do
		keep_indexes '^messages_'
		printf '\\set start random(1, %s)\n%s\n' "$(query -d "$copy" -c 'SELECT max(id) FROM parley.conversations')" "$post" |
			measure_script posts_grams 8
		keep_indexes '^bench_trgm$'
		printf '\\set start random(1, %s)\n%s\n' "$(query -d "$copy" -c 'SELECT max(id) FROM parley.conversations')" "$post" |
			measure_script posts_trgm 8
	done
	keep_indexes '.'
}

print_costs() {
	local ours theirs
	read -r ours theirs < <(query -d "$copy" -F ' ' -c "SELECT pg_relation_size('parley.messages_grams')
		+ pg_relation_size('parley.messages_newest') + pg_relation_size('parley.messages_block_times'), pg_relation_size('parley.bench_trgm')")
	bar "≤ 1.5 times" "$(ratio "$ours" "$theirs")" at-most 1.5
	printf '\nindex bytes a message: %s; pg_trgm alone %s; %s times; %s\n' "$(ratio "$ours" "$messages")" \
		"$(ratio "$theirs" "$messages")" "$(ratio "$ours" "$theirs")" "$said"
	bar "≥ 0.8 times" "$(ratio "$(value posts_grams rate)" "$(value posts_trgm rate)")" at-least 0.8
	heading "posting, 8 clients"
	row "with the indexes of search" posts_grams "pg_trgm's GIN alone" posts_trgm rate "$said"
}

print_terms() {
	local i=0 class limit
	printf '\n%s\n%-30s %-24s %8s %8s  %-18s %8s %8s %8s %9s\n' "search by class of term, page 1: the worst term's figures, ms" \
		class worst p50 p99 bar 'page 2' 'page 20' arriving 'ILIKE p50'
	for class in "${term_classes[@]}"; do
		limit=${class#*|}
		limit=${limit%%|*}
		bar "≤ $limit ms" "$(value "term_$i" p99)" at-most "$limit"
		printf '%-30s %-24s %8s %8s  %-18s %8s %8s %8s %9s\n' "${class%%|*}" "$(cat "$tmp/measured/term_$i.term")" \
			"$(value "term_$i" p50)" "$(value "term_$i" p99)" "$said" "$(value "page2_$i" p99)" "$(value "page20_$i" p99)" \
			"$(value "busy_$i" p99)" "$(value "plain_$i" p50)"
		bar "busy" "$(value "busy_$i" p99)" at-most $((2 * limit))
		case $said in *NOT*) printf '%30s while 1,000 messages a second arrive: more than twice the bar\n' '' ;; esac
		i=$((i + 1))
	done
}

section_terms() {
	local class i=0 writer
	writable_copy
	query -d "$copy" -c "UPDATE parley.messages SET content = left(content, 9900) || ' oldestword' WHERE content IS NOT NULL AND random() < 0.02
		AND created_at < (SELECT min(created_at) + (max(created_at) - min(created_at)) / 10 FROM parley.messages)" \
		-c "VACUUM ANALYZE parley.messages"
	measure_terms term 200 ''
	measure_terms page2 100 '&page=2'
	measure_terms page20 100 '&page=20'

	printf '\\set start random(1, %s)\n%s\n' "$(query -d "$copy" -c 'SELECT max(id) FROM parley.conversations')" \
		"SELECT parley.post_message((SELECT id FROM parley.conversations WHERE id >= :start ORDER BY id LIMIT 1), 'the usual words arrive');" >"$tmp/arrivals.sql"
	"$bin/pgbench" -n -M prepared -c 4 -j 1 -R 1000 -T 3600 -f "$tmp/arrivals.sql" "$copy" >/dev/null 2>&1 &
	writer=$!
	on_exit "kill $writer 2>/dev/null"
	measure_terms busy 100 ''
	kill "$writer"
	wait "$writer" || true

	note "building pg_trgm's index to compare with"
	query -d "$copy" -c "CREATE INDEX bench_trgm ON parley.messages USING gin (content public.gin_trgm_ops)"
	for class in "${term_classes[@]}"; do
		terms_of "$class"
		PGDATABASE=$copy measure_query "plain_$i" "$(plain_search "${terms[0]}")"
		i=$((i + 1))
	done
	measure_costs
	print_terms
	print_costs
}
