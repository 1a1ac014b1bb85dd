-- ledger_time: transactions by time: lists of a range, the balance at a time, the largest expense between two times.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SELECT id AS ana FROM parley.create_user('+1 721 555 0001', 'Ana Times') \gset
SELECT id FROM parley.open_account(:ana, 'EUR');
SELECT id FROM parley.open_account(:ana, 'EUR');
SELECT id FROM parley.open_account(:ana, 'USD');

-- a_history_loaded_without_post_transaction_is_repaired: one transaction per minute, with amounts from a repeatable formula
INSERT INTO parley.transactions (user_id, account_id, number, amount, balance, created_at)
	SELECT :ana, 1, n, amount, sum(amount) OVER (ORDER BY n), '2100-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'
	FROM generate_series(1, 10000) n,
		LATERAL (SELECT CASE WHEN n = 1 THEN 10000000 WHEN n % 5000 < 200 THEN 1 ELSE (n * 7919) % 101 - 101 END AS amount) a;
SELECT rule, account_id FROM parley.audit_ledger() WHERE user_id = :ana GROUP BY rule, account_id ORDER BY rule;
SELECT parley.rebuild_ledger();
SELECT * FROM parley.audit_ledger();
SELECT level, count(*), max(block) FROM parley.expense_peaks WHERE user_id = :ana GROUP BY level ORDER BY level;

-- time_does_not_go_back_when_the_clock_does: the history ends in the future
SELECT id, created_at FROM parley.post_transaction(:ana, 1, -3, 'after the future');
SELECT from_transaction ->> 'created_at' AS paid, to_transaction ->> 'created_at' AS received FROM parley.post_transfer(:ana, 1, :ana, 2, 1);

-- a_list_of_a_range_includes_both_ends
SELECT id, created_at, next_last_id FROM parley.list_transactions(:ana, 1, "from" => '2100-01-02T00:00:00Z', "to" => '2100-01-02T00:02:00Z');
SELECT id, next_last_id FROM parley.list_transactions(:ana, 1, "from" => '2100-01-02T00:00:00Z', "to" => '2100-01-02T00:02:00Z', "limit" => 2);
SELECT id, next_last_id FROM parley.list_transactions(:ana, 1, "from" => '2100-01-02T00:00:00Z', "to" => '2100-01-02T00:02:00Z',
	sort => 'desc', "limit" => 2);
SELECT id, next_last_id FROM parley.list_transactions(:ana, 1, last_id => 1441, "from" => '2100-01-02T00:00:00Z',
	"to" => '2100-01-02T00:02:00Z');
SELECT count(*) FROM parley.list_transactions(:ana, 1, "from" => '2100-01-02T00:00:01Z', "to" => '2100-01-02T00:00:59Z');
SELECT id FROM parley.list_transactions(:ana, 1, "to" => '2100-01-01T00:02:00Z');
SELECT count(*) FROM parley.list_transactions(:ana, 1, "to" => '2000-01-01T00:00:00Z');
SELECT id FROM parley.list_transactions(:ana, 1, "from" => '2100-01-07T22:40:00Z');
SELECT parley.list_transactions(:ana, 1, "from" => '2100-01-02T00:00:01Z', "to" => '2100-01-02T00:00:00Z');

-- the_balance_at_a_time_is_that_after_the_last_transaction_until_then
SELECT * FROM parley.get_balance(:ana, 1, '2100-01-01T00:00:59Z');
SELECT * FROM parley.get_balance(:ana, 1, '2100-01-01T00:01:00Z');
SELECT b.balance = (SELECT sum(amount) FROM parley.transactions WHERE user_id = :ana AND account_id = 1 AND number <= 1440) AS right
	FROM parley.get_balance(:ana, 1, '2100-01-02T00:00:30Z') b;
SELECT b.balance = a.balance AS right FROM parley.get_balance(:ana, 1, 'infinity') b, parley.accounts a WHERE a.user_id = :ana AND a.id = 1;
SELECT b.balance = a.balance AS right, at = statement_timestamp() AS now
	FROM parley.get_balance(:ana, 1) b, parley.accounts a WHERE a.user_id = :ana AND a.id = 1;

-- the_largest_expense_of_any_range_is_that_of_a_plain_query
SELECT count(*) AS ranges, count(*) FILTER (WHERE (found.number, found.amount) IS DISTINCT FROM (plain.number, plain.amount)) AS differ,
		count(*) FILTER (WHERE found.number IS NULL) AS without
	FROM (SELECT lo, lo + span AS hi FROM generate_series(1, 10000, 307) lo, unnest(ARRAY[0, 1, 62, 63, 64, 65, 127, 200, 4095, 4097, 9000]) span) r
	CROSS JOIN LATERAL parley.find_account_expense(:ana, 1, lo, least(hi, 10000)) found
	LEFT JOIN LATERAL (SELECT t.number, t.amount FROM parley.transactions t
		WHERE t.user_id = :ana AND t.account_id = 1 AND t.number BETWEEN lo AND hi AND t.number <= 10000 AND t.amount < 0
		ORDER BY t.amount, t.number DESC LIMIT 1) plain ON true;

-- both_ends_are_included_and_of_equals_the_latest_wins
SELECT id, amount, created_at FROM parley.find_largest_expense(:ana, '2100-01-02T00:00:00Z', '2100-01-02T00:00:00Z');
SELECT e.id = t.last AS latest, e.amount FROM parley.find_largest_expense(:ana, '2100-01-01T00:00:00Z', '2100-01-07T00:00:00Z') e,
	LATERAL (SELECT max(number) AS last FROM parley.transactions
		WHERE user_id = :ana AND account_id = 1 AND amount = e.amount AND created_at <= '2100-01-07T00:00:00Z') t;
-- … of_all_accounts_of_the_user, or of those in one currency
SELECT balance FROM parley.post_transaction(:ana, 3, 500000);
SELECT balance FROM parley.post_transaction(:ana, 3, -400000, 'car');
SELECT account_id, amount, memo FROM parley.find_largest_expense(:ana, '2000-01-01T00:00:00Z', '2200-01-01T00:00:00Z');
SELECT account_id, amount FROM parley.find_largest_expense(:ana, '2000-01-01T00:00:00Z', '2200-01-01T00:00:00Z', 'EUR');
SELECT balance FROM parley.post_transaction(:ana, 2, -1, 'the last cent');

-- it_reads_the_edges_of_the_range_but_not_the_whole_history
ANALYZE parley.transactions;
CREATE FUNCTION pg_temp.rows_read() RETURNS bigint LANGUAGE sql AS $$
	SELECT pg_stat_get_xact_tuples_returned('parley.transactions'::regclass) + pg_stat_get_xact_tuples_fetched('parley.transactions'::regclass)
		+ pg_stat_get_xact_tuples_fetched('parley.transactions_pkey'::regclass)
$$;
DO $$
DECLARE
	before bigint := pg_temp.rows_read();
	found record := parley.find_account_expense((SELECT id FROM parley.contacts WHERE phone_digits = '17215550001'), 1, 2, 9999);
BEGIN
	RAISE NOTICE 'number %, amount %, few rows: %', found.number, found.amount, pg_temp.rows_read() - before BETWEEN 1 AND 126;
END $$;

-- errors_name_the_argument
SELECT parley.find_largest_expense(:ana, '2100-01-02T00:00:01Z', '2100-01-02T00:00:00Z');
SELECT parley.find_largest_expense(:ana, NULL, '2100-01-02T00:00:00Z');
SELECT parley.find_largest_expense(:ana, '2100-01-02T00:00:00Z', NULL);
SELECT parley.find_largest_expense(:ana, '2200-01-02T00:00:00Z', '2200-01-03T00:00:00Z');
SELECT parley.find_largest_expense(:ana, '2100-01-02', '2100-01-03', 'XXX');
SELECT parley.find_largest_expense(-1, '2100-01-02T00:00:00Z', '2100-01-03T00:00:00Z');

-- the_audit_finds_nothing
SELECT * FROM parley.audit_ledger();
