-- ledger_errors: what is refused, with which error, for which argument.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT id AS ana FROM parley.create_user('+1 722 555 0001', 'Ana Errors') \gset
SELECT id AS bob FROM parley.create_user('+1 722 555 0002', 'Bob Errors') \gset
SELECT id FROM parley.open_account(:ana, 'EUR');
SELECT id FROM parley.open_account(:ana, 'USD');
SELECT id FROM parley.open_account(:bob, 'EUR');
SELECT id FROM parley.open_account(:bob, 'EUR', 'closed');
SELECT id FROM parley.open_account(:bob, 'EUR');
SELECT parley.close_account(:bob, 2);
SELECT balance FROM parley.post_transaction(:ana, 1, 100);

-- Returns the error of a statement: its SQLSTATE, the argument at fault, the message.
CREATE FUNCTION pg_temp.error_of(statement text, OUT code text, OUT field text, OUT says text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
EXCEPTION WHEN others THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, field = COLUMN_NAME, says = MESSAGE_TEXT;
	says := regexp_replace(says, '(user|contact) \d+', '\1 N', 'g');
END $$;

-- amounts
SELECT a, (pg_temp.error_of(format('SELECT parley.post_transaction(%s, 1, %s)', :'ana', a))).*
	FROM unnest(ARRAY['0', '1.5', '''ten''', '''1.5''', '''1e3''', '1000000000000001', '-1000000000000001', '9223372036854775808', 'NULL']) a;
SELECT a, (pg_temp.error_of(format('SELECT parley.post_transfer(%s, 1, %s, 1, %s)', :'ana', :'bob', a))).*
	FROM unnest(ARRAY['0', '-1', '1.5', '1000000000000001', 'NULL']) a;

-- the_limit_of_a_balance_is_far_from_overflow
SELECT refused, refused_detail, count(*) FROM parley.post_transactions(
	array_fill(:ana::bigint, ARRAY[100]), array_fill(1::bigint, ARRAY[100]), array_fill(1000000000000000, ARRAY[100])) GROUP BY 1, 2 ORDER BY 3;
SELECT balance FROM parley.post_transaction(:ana, 1, 999999999999900);
SELECT * FROM pg_temp.error_of(format('SELECT parley.post_transaction(%s, 1, 1)', :'ana'));
SELECT parley.allow_negative(:ana, 2);
SELECT refused, refused_detail, count(*) FROM parley.post_transactions(
	array_fill(:ana::bigint, ARRAY[101]), array_fill(2::bigint, ARRAY[101]), array_fill(-1000000000000000, ARRAY[101])) GROUP BY 1, 2 ORDER BY 3;
SELECT totals, total FROM parley.get_user(:ana);
-- … and_the_balance_can_come_back_from_it
SELECT balance FROM parley.post_transaction(:ana, 2, 1);
SELECT balance FROM parley.post_transaction(:bob, 1, 1);

-- totals_that_do_not_fit_into_bigint_are_told, but not as the one total
BEGIN;
UPDATE parley.accounts SET balance = 9223372036854775807 WHERE user_id = :bob AND closed_at IS NULL;
SELECT totals, total FROM parley.get_user(:bob);
ROLLBACK;
-- a_problem_with_the_receivers_account_has_one_message: the reason would tell a stranger the balance, the currency, or that it is
-- closed
SELECT what, (pg_temp.error_of(format('SELECT parley.post_transfer(%s)', arguments))).* FROM (VALUES
	('full', format('%s, 1, %s, 1, 1', :'bob', :'ana')),
	('another currency', format('%s, 1, %s, 2, 1', :'bob', :'ana')),
	('closed', format('%s, 1, %s, 2, 1', :'ana', :'bob'))
) AS t(what, arguments);
-- … which_only_someone_with_enough_money_gets
SELECT refused, refused_detail FROM parley.post_transfer(:bob, 1, :ana, 1, 2);
SELECT refused, refused_detail FROM parley.post_transfer(:bob, 1, :ana, 2, 2);
-- … but_problems_with_ones_own_accounts_are_told
SELECT what, (pg_temp.error_of(format('SELECT parley.post_transfer(%s)', arguments))).* FROM (VALUES
	('another currency', format('%s, 1, %s, 2, 1', :'ana', :'ana')),
	('closed', format('%s, 1, %s, 2, 1', :'bob', :'bob'))
) AS t(what, arguments);

-- only_the_operator_can_pay_money_in
SELECT role, (pg_temp.error_of(format('SELECT parley.post_transaction(%s, 1, 1, caller_role => %L)', :'bob', role))).*
	FROM unnest(ARRAY['user', 'Operator', '', NULL]) role;
SELECT amount FROM parley.post_transaction(:bob, 1, -1, caller_role => 'user');
SELECT amount FROM parley.post_transaction(:bob, 1, 1, caller_role => 'operator');

-- accounts
SELECT what, (pg_temp.error_of(statement)).* FROM (VALUES
	('no such account', format('SELECT parley.post_transaction(%s, 9, 1)', :'ana')),
	('no such user', 'SELECT parley.post_transaction(-1, 1, 1)'),
	('null', 'SELECT parley.post_transaction(NULL, 1, 1)'),
	('closed', format('SELECT parley.post_transaction(%s, 2, 1)', :'bob')),
	('list', format('SELECT parley.list_transactions(%s, 9)', :'ana')),
	('balance', format('SELECT parley.get_balance(%s, 9)', :'ana')),
	('list of accounts', 'SELECT parley.list_accounts(-1)'),
	('open for nobody', 'SELECT parley.open_account(-1, ''EUR'')'),
	('open without currency', format('SELECT parley.open_account(%s, NULL)', :'ana')),
	('unknown currency', format('SELECT parley.open_account(%s, ''EUX'')', :'ana')),
	('small letters', format('SELECT parley.open_account(%s, ''eur'')', :'ana')),
	('empty name', format('SELECT parley.open_account(%s, ''EUR'', '''')', :'ana')),
	('long name', format('SELECT parley.open_account(%s, ''EUR'', repeat(''x'', 101))', :'ana')),
	('long memo', format('SELECT parley.post_transaction(%s, 1, -1, repeat(''x'', 501))', :'ana')),
	('empty key', format('SELECT parley.post_transaction(%s, 1, -1, NULL, '''')', :'ana')),
	('long key', format('SELECT parley.post_transaction(%s, 1, -1, NULL, repeat(''x'', 65))', :'ana')),
	('key beyond ASCII', format('SELECT parley.post_transaction(%s, 1, -1, NULL, ''ключ'')', :'ana')),
	('key with a control character', format('SELECT parley.post_transaction(%s, 1, -1, NULL, E''a\tb'')', :'ana')),
	('close with money', format('SELECT parley.close_account(%s, 1)', :'ana')),
	('close no account', 'SELECT parley.close_account(-1, 1)'),
	('allow no account', 'SELECT parley.allow_negative(-1, 1)')
) AS t(what, statement);

-- transfers
SELECT what, (pg_temp.error_of(format('SELECT parley.post_transfer(%s)', arguments))).* FROM (VALUES
	('from no account', format('%s, 9, %s, 1, 1', :'ana', :'bob')),
	('to no account', format('%s, 1, %s, 9, 1', :'ana', :'bob')),
	('to nobody', format('%s, 1, -1, 1, 1', :'ana')),
	('to itself', format('%s, 1, %s, 1, 1', :'ana', :'ana')),
	('from a closed one', format('%s, 2, %s, 1, 1', :'bob', :'bob')),
	('no such conversation', format('%s, 1, %s, 1, 1, NULL, -1', :'ana', :'bob')),
	('to null', format('%s, 1, NULL, 1, 1', :'ana'))
) AS t(what, arguments);

-- a_batch_says_what_is_wrong_with_each_row_and_posts_the_others
SELECT t.id, t.account_id, t.amount, t.refused, regexp_replace(t.refused_detail, 'user \d+', 'user N') AS refused_detail
	FROM parley.post_transactions(
		ARRAY[:bob, :bob, :bob, -1, :bob, :bob, :bob, :bob, NULL, :bob, :bob]::bigint[],
		ARRAY[1, 1, 1, 1, 2, 1, 1, 1, 1, 1, NULL]::bigint[],
		ARRAY[1, 0, -1000000000000001, 1, 1, 9223372036854775807, 1, 1, 1, 1, 1],
		ARRAY[NULL, NULL, NULL, NULL, NULL, NULL, '', repeat('x', 501), NULL, 'ok', NULL],
		ARRAY['k', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'k', NULL]) t;
SELECT * FROM pg_temp.error_of('SELECT parley.post_transactions(ARRAY[1, 2], ARRAY[1], ARRAY[1, 2])');
SELECT * FROM pg_temp.error_of('SELECT parley.post_transactions(ARRAY[1], ARRAY[1], ARRAY[1], ARRAY[''a'', ''b''])');
SELECT * FROM pg_temp.error_of('SELECT parley.post_transactions(ARRAY[ARRAY[1]], ARRAY[ARRAY[1]], ARRAY[ARRAY[1]])');
SELECT count(*) FROM parley.post_transactions(NULL, NULL, NULL);

-- the_gateway_may_post_but_not_write_to_the_tables
SET ROLE parley_gateway;
SELECT balance FROM parley.post_transaction(:bob, 1, -1, NULL, 'as gateway');
SELECT replayed FROM parley.post_transaction(:bob, 1, -1, NULL, 'as gateway');
SELECT refused FROM parley.post_transaction(:bob, 1, -1000, NULL, 'too much');
SELECT refused FROM parley.post_transfer(:bob, 1, :bob, 3, 1000, NULL, NULL, 'too much too');
SELECT count(*) FROM parley.transactions;
SELECT parley.allow_negative(:bob, 1);
SELECT parley.post_transactions('{}', '{}', '{}');
SELECT parley.audit_ledger();
RESET ROLE;

-- a_read_only_transaction_posts_nothing
BEGIN READ ONLY;
SELECT * FROM pg_temp.error_of(format('SELECT parley.post_transaction(%s, 1, 1)', :'bob'));
SELECT amount, balance FROM parley.list_transactions(:bob, 1);
COMMIT;

-- nothing_was_posted_by_any_of_this
SELECT amount, balance FROM parley.list_transactions(:bob, 1);
SELECT * FROM parley.audit_ledger();
