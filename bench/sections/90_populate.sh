# shellcheck shell=bash
# The generator, compared with a bare COPY of the same rows and CREATE INDEX of the same indexes. It takes minutes and room for
# three copies of the data, so it runs only if asked for: make bench BENCH=populate.

populate_tables=(messages contacts conversations members)

# The columns for COPY: all but phone_digits, which is generated.
columns() {
	query -d "$1" -c "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = 'parley.$2'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
}

fresh_database() {
	query -d postgres -c "DROP DATABASE IF EXISTS $1" -c "CREATE DATABASE $1 TEMPLATE template0"
	query -d "$1" -c "CREATE EXTENSION parley CASCADE"
}

# Both use the memory and the workers that the generator chooses for itself. The COPY may skip WAL and freeze its rows as well.
bare_copy() {
	local table memory_mb=$1 dump=$2
	query -d bench_copy -c "SELECT parley.begin_bulk_load('bench')" >/dev/null
	query -d bench_copy -c "SELECT definition || ';' FROM parley.bulk_load_indexes
		ORDER BY definition LIKE '%messages%', definition LIKE '%gin%', name" >"$tmp/indexes.sql"
	{
		echo 'BEGIN;'
		echo 'TRUNCATE parley.messages, parley.members, parley.conversations, parley.contacts;'
		for table in "${populate_tables[@]}"; do
			echo "COPY parley.$table ($(columns bench_copy "$table")) FROM '$dump/$table' (FORMAT binary, FREEZE);"
		done
		echo 'COMMIT;'
		echo "SET maintenance_work_mem = '${memory_mb}MB'; SET max_parallel_maintenance_workers = $(nproc);"
		cat "$tmp/indexes.sql"
	} >"$tmp/copy.sql"
	query -d bench_copy -f "$tmp/copy.sql"
}

section_populate() {
	local start generated copied table dump memory_mb=1024 said
	dump=$(as_owner mktemp -d /tmp/parley-bench-dump-XXXXXX)
	on_exit "rm -rf '$dump'"
	on_exit "query -d postgres -c 'DROP DATABASE IF EXISTS bench_generated' -c 'DROP DATABASE IF EXISTS bench_copy'"
	fresh_database bench_generated
	fresh_database bench_copy

	note "populate: generating $messages messages"
	query -d postgres -c CHECKPOINT
	start=$(date +%s.%N)
	PGDATABASE=bench_generated "$here/populate" "${populate_options[@]}" --maintenance-work-mem "$memory_mb"
	generated=$(echo "$(date +%s.%N) $start" | awk '{ print $1 - $2 }')

	note "populate: COPY and CREATE INDEX of the same rows"
	for table in "${populate_tables[@]}"; do
		query -d bench_generated -c "COPY parley.$table ($(columns bench_generated "$table")) TO '$dump/$table' (FORMAT binary)"
	done
	query -d postgres -c CHECKPOINT
	start=$(date +%s.%N)
	bare_copy "$memory_mb" "$dump"
	copied=$(echo "$(date +%s.%N) $start" | awk '{ print $1 - $2 }')

	bar "≤ 1.3" "$(ratio "$generated" "$copied")" at-most 1.3
	printf '\npopulate: %s messages\n%-40s %9.1f s\n%-40s %9.1f s\n%-40s %9.3f    %s\n' "$messages" \
		'generate, load, index, vacuum analyze' "$generated" 'COPY of the same rows, CREATE INDEX' "$copied" \
		ratio "$(ratio "$generated" "$copied")" "$said"
}
