# shellcheck shell=bash
# Postings to one account, to which everybody posts, by 16 connections, while a synchronous standby on this machine confirms each
# commit: with early release of the account's lock, without it, and without waiting for the standby. Runs two clusters of its own.

section_standby() {
	local hot i said
	. "$root/deploy/shards/common.sh"
	dir=$tmp/standby
	mkdir "$dir"
	on_exit "in_cluster remove standby; in_cluster remove primary"
	in_cluster create primary
	printf '%s\n' "wal_level = replica" "max_wal_senders = 4" "wal_keep_size = 64MB" |
		as_owner tee -a "$(data_of primary)/postgresql.conf" >/dev/null
	in_cluster start primary
	in_cluster database primary parley
	make_standby primary standby
	psql_in primary -c "ALTER SYSTEM SET synchronous_standby_names = '*'" -c "SELECT pg_reload_conf()" \
		-c "SELECT parley.open_account((parley.create_contact('crowded')).id, 'EUR')" >/dev/null
	hot="SELECT * FROM parley.post_transaction(1, 1, 1, NULL, gen_random_uuid()::text)"

	for ((i = 0; i < rounds; i++)); do
		measure_crowd early "" "$hot"
		measure_crowd late "-c parley.early_release=off" "$hot"
		measure_crowd alone "-c synchronous_commit=local" "$hot"
	done
	heading "standby: durable postings a second to one account, 16 connections, with a synchronous standby"
	bar "≥ 852 a second" "$(value early rate)" at-least 852
	row "with early release" early "without it" late rate "$said"
	row "with early release" early "without waiting for the standby" alone rate
}

# measure_crowd NAME OPTIONS SQL: with options of the connections
measure_crowd() {
	PGHOST=$(in_cluster socket primary) PGPORT=5432 PGDATABASE=parley PGOPTIONS=$2 measure_pgbench "$1" "$3" 16
}
