# shellcheck shell=bash
# Postings to 10,000 accounts, and to one that everybody pays into, by 16 connections, with durable commits. Compared with the
# plainest SQL that is correct: lock the row, insert, update, in one function, with a unique key, which it does not look for first.
# Both use a key of 36 characters per posting. This runs in its own database, because transactions are never deleted.

ledger_batch=100

ledger_database() {
	query -d postgres -c "DROP DATABASE IF EXISTS parley_bench_ledger" -c "CREATE DATABASE parley_bench_ledger TEMPLATE template0"
	on_exit "PGOPTIONS='-c client_min_messages=warning' psql -Xq -d postgres -c 'DROP DATABASE IF EXISTS parley_bench_ledger'"
	query -d parley_bench_ledger <<-'SQL'
		CREATE EXTENSION parley CASCADE;
		INSERT INTO parley.contacts (id, name) SELECT n, 'payer ' || n FROM generate_series(1, 10000) n;
		SELECT count(*) FROM (SELECT parley.open_account(n, 'EUR') FROM generate_series(1, 10000) n) opened \g /dev/null
		GRANT EXECUTE ON FUNCTION parley.post_transactions TO parley_gateway;

		CREATE SCHEMA peer;
		CREATE TABLE peer.accounts (
			id bigint PRIMARY KEY, user_id bigint NOT NULL, balance bigint NOT NULL DEFAULT 0 CHECK (balance >= 0)
		);
		CREATE TABLE peer.transactions (
			id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account_id bigint NOT NULL REFERENCES peer.accounts,
			amount bigint NOT NULL, balance bigint NOT NULL, memo text, created_at timestamptz NOT NULL DEFAULT now(),
			idempotency_key text, UNIQUE (account_id, idempotency_key)
		);
		INSERT INTO peer.accounts SELECT n, n FROM generate_series(1, 10000) n;
		CREATE FUNCTION peer.post(account bigint, amount bigint, memo text, key text) RETURNS peer.transactions LANGUAGE plpgsql AS $$
		DECLARE
			had bigint;
			made peer.transactions;
		BEGIN
			SELECT a.balance INTO had FROM peer.accounts a WHERE a.id = account FOR UPDATE;
			IF NOT FOUND THEN
				RAISE EXCEPTION 'no account';
			ELSIF had + amount < 0 THEN
				RAISE EXCEPTION 'not enough money';
			END IF;
			INSERT INTO peer.transactions (account_id, amount, balance, memo, idempotency_key)
				VALUES (account, post.amount, had + post.amount, post.memo, key) RETURNING * INTO made;
			UPDATE peer.accounts a SET balance = made.balance WHERE a.id = account;
			RETURN made;
		END $$;
		GRANT USAGE ON SCHEMA peer TO parley_gateway;
		GRANT ALL ON ALL TABLES IN SCHEMA peer TO parley_gateway;
	SQL
}

# Gives both a history: 500,000 transactions to random accounts if bars count. Prints how much space one of our transactions with
# a key of 36 characters takes, including its share of all indexes.
ledger_history() {
	query -d parley_bench_ledger -v calls="$((messages < 5000000 ? 100 : 5000))" <<-'SQL'
		SELECT count(*) FROM (SELECT FROM generate_series(1, :calls) n, LATERAL parley.post_transactions(
			(SELECT array_agg(1 + floor(random() * 10000)) FROM generate_series(1, 100 + n * 0))::bigint[], array_fill(1::bigint, ARRAY[100]),
			array_fill(1::bigint, ARRAY[100]), NULL, (SELECT array_agg(gen_random_uuid()::text) FROM generate_series(1, 100 + n * 0)))) posted
			\g /dev/null
		SELECT (pg_total_relation_size('parley.transactions') + pg_total_relation_size('parley.expense_peaks')) / count(*)
			FROM parley.transactions;
		WITH posted AS (
			INSERT INTO peer.transactions (account_id, amount, balance, idempotency_key)
				SELECT t.user_id, t.amount, t.balance, t.idempotency_key FROM parley.transactions t ORDER BY t.created_at
				RETURNING account_id, amount
		)
		UPDATE peer.accounts a SET balance = p.total
			FROM (SELECT account_id, sum(amount) AS total FROM posted GROUP BY account_id) p WHERE p.account_id = a.id;
		VACUUM (ANALYZE);
		CHECKPOINT;
	SQL
}

# measure_postings NAME SQL POSTINGS: records postings per second, not calls
measure_postings() {
	local p50 p99 rate
	PGDATABASE=parley_bench_ledger measure_pgbench "$1_calls" "$2" 16
	read -r p50 p99 rate < <(tail -n 1 "$tmp/measured/$1_calls")
	record "$1" "$p50" "$p99" "$(awk -v r="$rate" -v n="$3" 'BEGIN { print r * n }')"
}

some_of_ours="\\set account random(1, 10000)
SELECT * FROM parley.post_transaction(:account, 1, 1, NULL, gen_random_uuid()::text)"
some_of_peers="\\set account random(1, 10000)
SELECT * FROM peer.post(:account, 1, NULL, gen_random_uuid()::text)"

# Postings to 10,000 accounts on two kinds of disks. If each commit waits for a slow flush, no more of them fit into it than there
# are connections, whatever a posting costs. With a quick one, what it costs counts.
measure_ledger_flushes() {
	local i flush
	for flush in 100 3000; do
		restart_with_flush parley_bench_ledger "$flush"
		for ((i = 0; i < rounds; i++)); do
			measure_postings "some_ours_$flush" "$some_of_ours" 1
			measure_postings "some_peer_$flush" "$some_of_peers" 1
		done
		row "10,000 accounts, flush $flush µs" "some_ours_$flush" "plain SQL" "some_peer_$flush" rate
	done
	restart_with_flush parley_bench_ledger
}

section_ledger() {
	local some hot batch i bytes breaches said
	some=$'\\set account random(1, 10000)\n'
	hot=$'\\set account 1\n'
	batch="SELECT count(t.id) FROM parley.post_transactions(array_fill(ACCOUNT, ARRAY[$ledger_batch]), array_fill(1::bigint, ARRAY[$ledger_batch]),
		array_fill(1::bigint, ARRAY[$ledger_batch]), NULL, (SELECT array_agg(gen_random_uuid()::text) FROM generate_series(1, $ledger_batch))) t"
	ledger_database
	bytes=$(ledger_history)

	for ((i = 0; i < rounds; i++)); do
		measure_postings some_ours "$some_of_ours" 1
		measure_postings some_peer "$some_of_peers" 1
		measure_postings hot_ours "${hot}SELECT * FROM parley.post_transaction(:account, 1, 1, NULL, gen_random_uuid()::text)" 1
		measure_postings hot_peer "${hot}SELECT * FROM peer.post(:account, 1, NULL, gen_random_uuid()::text)" 1
		measure_postings some_batch "$some${batch/ACCOUNT/:account::bigint}" "$ledger_batch"
		measure_postings hot_batch "$hot${batch/ACCOUNT/:account::bigint}" "$ledger_batch"
	done

	heading "ledger: durable postings a second, 16 connections"
	bar "≥ 1.3" "$(ratio "$(value some_ours rate)" "$(value some_peer rate)")" at-least 1.3
	row "10,000 accounts" some_ours "plain SQL" some_peer rate "$said"
	bar "≥ 1.3" "$(ratio "$(value hot_ours rate)" "$(value hot_peer rate)")" at-least 1.3
	row "one account" hot_ours "plain SQL" hot_peer rate "$said"
	row "10,000 accounts, $ledger_batch a call" some_batch "plain SQL, one by one" some_peer rate
	bar "≥ 4" "$(ratio "$(value hot_batch rate)" "$(value hot_peer rate)")" at-least 4
	row "one account, $ledger_batch a call" hot_batch "plain SQL, one by one" hot_peer rate "$said"
	# On a cluster of our own, which can be restarted.
	[ -n "${BENCH_PGHOST:-}" ] || measure_ledger_flushes

	bar "≤ 250" "$bytes" at-most 250
	printf '%-40s %9s  %s\n' "bytes a transaction, indexes included" "$bytes" "$said"
	breaches=$(query -d parley_bench_ledger -c "SELECT count(*) FROM parley.audit_ledger()")
	[ "$breaches" = 0 ] || die "the ledger does not add up" "parley.audit_ledger() has $breaches rows"
}
