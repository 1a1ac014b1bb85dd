# shellcheck shell=bash
# Search for a fixed list of terms, over HTTP, compared with the query that most people would write first: a join, an OR of three
# ILIKE, ROW_NUMBER.

# A word in one of twenty messages, in most, in few; two rare ones together; names and phones; two letters that never occur
# together; one letter; characters that have no trigrams.
search_terms=(movie the netflix 'violin jupiter' García 'Nguyễn' '555-1' 8005551 'qz' e '🙂' '100%' 'no such text at all')

# Names that nobody has, as typing errors make them: letters that changed places, one too few, another one.
misspelt_names=('Jhon Smtih' 'Wiliam Jonson' 'Maria Gonzales')

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

	for i in "${!misspelt_names[@]}"; do
		term=${misspelt_names[i]}
		measure_serial "names_$i" "/contacts?searchValue=$(url_encode "$term")"
		measure_query "names_plain_$i" "SELECT * FROM parley.contacts ORDER BY similarity(name, '$term') DESC, id LIMIT 50"
	done
	heading "contacts: page 1 by searchValue, 1 client"
	for i in "${!misspelt_names[@]}"; do
		bar "p99 ≤ 30 ms" "$(value "names_$i" p99)" at-most 30
		row "“${misspelt_names[i]}”" "names_$i" "ORDER BY similarity" "names_plain_$i" rate "$said"
	done
}
