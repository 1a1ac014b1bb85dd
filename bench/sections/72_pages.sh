# shellcheck shell=bash
# Page 1 and page 20 of a search for every kind of term, over HTTP, on the messages as they are loaded: what `terms` measures first, but
# without a copy, so that it also fits where the messages fill the disk.
. "$here/sections/70_terms.sh"

section_pages() {
	local class limit worst_term worst_figure worst_ratio terms i
	for ((i = 0; i < rounds; i++)); do
		measure_terms "page1|$url" "link20|$url||20"
	done
	printf '\n%s\n%-30s %-24s %8s %8s  %s\n' "search by class of term: the worst term of each, ms" 'page 1' term p50 p99 bar
	for class in "${term_classes[@]}"; do
		terms_of "$class"
		limit=${class#*|}
		limit=${limit%%|*}
		worst page1 p99
		bar "≤ $limit" "$worst_figure" at-most "$limit"
		printf '%-30s %-24s %8s %8s  %s\n' "${class%%|*}" "$worst_term" "$(value "$(term_name page1 "$worst_term")" p50)" "$worst_figure" "$said"
	done
	print_ratios "page 20 by its links, beside page 1" p99 link20 page1 3
}
