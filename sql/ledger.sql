-- ledger: accounts and their transactions, which are read, replayed, transferred to others, and never changed.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT id AS ana FROM parley.create_user('+1 720 555 0001', 'Ana Ledger') \gset
SELECT id AS bob FROM parley.create_user('+1 720 555 0002', 'Bob Ledger') \gset
SELECT id AS eve FROM parley.create_user('+1 720 555 0003', 'Eve Ledger') \gset

-- accounts_are_numbered_within_their_user
SELECT id, user_id = :ana AS of_ana, currency, name, balance, replayed FROM parley.open_account(:ana, 'EUR', 'daily', 'open 1');
SELECT id, currency, name, replayed FROM parley.open_account(:ana, 'USD');
SELECT id, currency FROM parley.open_account(:bob, 'EUR');
SELECT id, name, next_last_id FROM parley.list_accounts(:ana);
SELECT id, name, next_last_id FROM parley.list_accounts(:ana, "limit" => 1);
SELECT id, name, next_last_id FROM parley.list_accounts(:ana, last_id => 1, "limit" => 1);
SELECT count(*) FROM parley.list_accounts(:eve);

-- a_replayed_opening_returns_the_account_as_it_was_opened
SELECT amount, balance FROM parley.post_transaction(:ana, 1, 50000, 'salary', 'pay 1');
SELECT id, name, balance, replayed FROM parley.open_account(:ana, 'EUR', 'daily', 'open 1');
SELECT count(*) FROM parley.accounts WHERE user_id = :ana;
\set VERBOSITY default
SELECT parley.open_account(:ana, 'USD', 'daily', 'open 1');
SELECT parley.open_account(:ana, 'EUR', 'other', 'open 1');
\set VERBOSITY terse

-- transactions_are_numbered_and_carry_the_balance_after_them
SELECT id, account_id, amount, balance, memo, replayed, refused FROM parley.post_transaction(:ana, 1, -1250, 'lunch');
SELECT id, amount, balance, memo FROM parley.post_transaction(:ana, 1, -48750);
SELECT balance, last_number FROM parley.accounts WHERE user_id = :ana AND id = 1;

-- an_overdraft_is_refused_and_changes_nothing
SELECT id, account_id, amount, balance, created_at, refused, refused_detail FROM parley.post_transaction(:ana, 1, -1, 'one cent too many');
SELECT balance, last_number FROM parley.accounts WHERE user_id = :ana AND id = 1;

-- a_replay_gets_the_first_result
SELECT id, amount, balance, replayed FROM parley.post_transaction(:ana, 1, 50000, 'salary', 'pay 1');
SELECT id, refused, refused_detail, replayed FROM parley.post_transaction(:ana, 1, -700, 'shoes', 'shoes 1');
SELECT balance FROM parley.post_transaction(:ana, 1, 1000, 'gift');
-- … even_if_that_was_a_refusal_and_there_is_enough_money_now
SELECT id, refused, refused_detail, replayed FROM parley.post_transaction(:ana, 1, -700, 'shoes', 'shoes 1');
SELECT id, balance, replayed FROM parley.post_transaction(:ana, 1, -700, 'shoes', 'shoes 2');

-- a_key_used_for_something_else_is_an_error
\set VERBOSITY default
SELECT parley.post_transaction(:ana, 1, 50001, 'salary', 'pay 1');
\set VERBOSITY terse
SELECT parley.post_transaction(:ana, 1, 50000, 'bonus', 'pay 1');
SELECT parley.post_transaction(:ana, 1, 50000, NULL, 'pay 1');
SELECT parley.post_transaction(:ana, 1, -701, 'shoes', 'shoes 1');
SELECT parley.post_transaction(:ana, 1, -700, 'boots', 'shoes 1');

-- a_key_is_scoped_to_the_account
SELECT id, balance, replayed FROM parley.post_transaction(:ana, 2, 300, 'salary', 'pay 1');

-- every_key_finds_its_own_transaction
SELECT count(DISTINCT t.id) FROM generate_series(1, 200) n, LATERAL parley.post_transaction(:ana, 2, 1, NULL, 'bulk ' || n) t;
SELECT count(*) FILTER (WHERE t.replayed) FROM generate_series(1, 200) n, LATERAL parley.post_transaction(:ana, 2, 1, NULL, 'bulk ' || n) t;
SELECT balance, last_number FROM parley.accounts WHERE user_id = :ana AND id = 2;

-- totals_are_per_currency
SELECT totals, total FROM parley.get_user(:ana);
SELECT totals, total FROM parley.get_user(:bob);
SELECT totals, total FROM parley.get_user(:eve);

-- a_transfer_is_two_transactions_that_sum_to_zero
SELECT from_transaction::jsonb - 'created_at' - 'user_id' AS paid, to_transaction::jsonb - 'created_at' - 'user_id' AS received,
		from_transaction ->> 'created_at' = to_transaction ->> 'created_at' AS at_once, message_id, replayed, refused
	FROM parley.post_transfer(:ana, 1, :bob, 1, 200, 'rent', idempotency_key => 'rent 1');
SELECT from_transaction ->> 'balance' AS balance, to_transaction ->> 'balance' AS of_another, replayed
	FROM parley.post_transfer(:ana, 1, :bob, 1, 200, 'rent', idempotency_key => 'rent 1');
SELECT id, amount, balance, memo FROM parley.list_transactions(:bob, 1);
-- … between_own_accounts_both_balances_are_shown
SELECT id FROM parley.open_account(:ana, 'EUR', 'savings');
SELECT from_transaction ->> 'balance' AS balance, to_transaction ->> 'balance' AS of_ones_own
	FROM parley.post_transfer(:ana, 1, :ana, 3, 50);

-- a_refused_transfer_is_kept_with_its_key
SELECT from_transaction IS NULL AS nothing, refused, refused_detail, replayed
	FROM parley.post_transfer(:ana, 1, :bob, 1, 90000, 'house', idempotency_key => 'house 1');
SELECT balance FROM parley.post_transaction(:ana, 1, 90000);
SELECT from_transaction IS NULL AS nothing, refused, refused_detail, replayed
	FROM parley.post_transfer(:ana, 1, :bob, 1, 90000, 'house', idempotency_key => 'house 1');

-- one_key_cannot_be_used_for_a_transaction_and_a_transfer
SELECT parley.post_transaction(:ana, 1, -200, 'rent', 'rent 1');
SELECT parley.post_transfer(:ana, 1, :bob, 1, 700, 'shoes', idempotency_key => 'shoes 2');
SELECT parley.post_transaction(:ana, 1, -90000, 'house', 'house 1');
SELECT parley.post_transfer(:ana, 1, :bob, 1, 700, 'shoes', idempotency_key => 'shoes 1');
-- … or_for_two_transfers_that_differ_in_any_way
SELECT parley.post_transfer(:ana, 1, :ana, 3, 200, 'rent', idempotency_key => 'rent 1');
SELECT parley.post_transfer(:ana, 1, :bob, 1, 201, 'rent', idempotency_key => 'rent 1');
SELECT parley.post_transfer(:ana, 1, :bob, 1, 200, 'food', idempotency_key => 'rent 1');
SELECT parley.post_transfer(:ana, 1, :bob, 1, 200, 'rent', 1, 'rent 1');

-- a_payment_and_its_receipt_are_one_commit
SELECT id AS c FROM parley.open_direct_conversation(:ana, :bob) \gset
SELECT message_id, from_transaction ->> 'balance' AS balance
	FROM parley.post_transfer(:ana, 1, :bob, 1, 1234, 'concert', :c, 'concert 1');
SELECT message_id, replayed FROM parley.post_transfer(:ana, 1, :bob, 1, 1234, 'concert', :c, 'concert 1');
SELECT message_id, sender_id = :ana AS from_ana, content FROM parley.list_messages(:c);
SELECT message_id, to_transaction ->> 'amount' AS amount FROM parley.post_transfer(:bob, 1, :ana, 3, 5, conversation_id => :c);
SELECT content FROM parley.list_messages(:c, last_id => 1);
-- … so_neither_exists_without_the_other
SELECT last_number FROM parley.accounts WHERE user_id = :eve;
SELECT id FROM parley.open_account(:eve, 'EUR');
SELECT balance FROM parley.post_transaction(:eve, 1, 100);
\set VERBOSITY sqlstate
SELECT parley.post_transfer(:eve, 1, :bob, 1, 1, conversation_id => :c);
\set VERBOSITY terse
SELECT refused, message_id FROM parley.post_transfer(:bob, 1, :ana, 1, 99999999, conversation_id => :c);
SELECT balance, last_number FROM parley.accounts WHERE user_id = :eve;
SELECT count(*) FROM parley.list_messages(:c);

-- a_receipt_says_that_it_is_one, which no other message can
SELECT message_id FROM parley.post_user_message(:c, 'paid 12.34 EUR: concert', :ana);
SELECT m.number, m.transfer_id = f.id AS names_it, f.user_id = :ana AS of_ana
	FROM parley.messages m LEFT JOIN parley.transfers f ON f.conversation_id = :c AND f.message_number = m.number
	WHERE m.conversation_id = :c ORDER BY m.number;
-- … to_everyone_who_reads_it
SELECT array_agg(transfer_id IS NOT NULL ORDER BY message_id) AS listed FROM parley.list_user_messages(:ana, :c);
SELECT array_agg(m ->> 'transfer_id' IS NOT NULL ORDER BY (m ->> 'message_id')::bigint) AS in_conversation
	FROM parley.conversation(:c), json_array_elements(messages) m;
SELECT array_agg(m ->> 'transfer_id' IS NOT NULL ORDER BY (m ->> 'message_id')::bigint) AS in_sync
	FROM parley.sync(:bob), json_array_elements(messages) m WHERE (m ->> 'conversation_id')::bigint = :c;
SELECT (parley.get_user_message(:bob, :c, 1)).transfer_id IS NOT NULL AS alone,
	(parley.get_user_message(:bob, :c, 3)).transfer_id IS NULL AS not_a_text;
-- … and_stays_as_it_is
SELECT parley.edit_user_message(:ana, :c, 1, 'paid 999.99 EUR: concert');
SELECT parley.delete_user_message(:ana, :c, 1);
SELECT parley.edit_user_message(:bob, :c, 1, 'paid 0.00 EUR: concert');
SELECT content FROM parley.get_user_message(:bob, :c, 1);
SELECT parley.delete_user_message(:ana, :c, 3);
-- … and_is_shown_to_the_recipient
\set VERBOSITY sqlstate
SELECT parley.post_transfer(:ana, 1, :eve, 1, 1, conversation_id => :c);
\set VERBOSITY terse
SELECT parley.post_transfer(:ana, 1, :ana, 3, 1, conversation_id => :c);

-- lists_go_both_ways_from_last_id
SELECT id, amount, next_last_id FROM parley.list_transactions(:ana, 1, "limit" => 3);
SELECT id, amount, next_last_id FROM parley.list_transactions(:ana, 1, last_id => 3, "limit" => 3);
SELECT id, amount, next_last_id FROM parley.list_transactions(:ana, 1, sort => 'desc', "limit" => 3);
SELECT id, amount, next_last_id FROM parley.list_transactions(:ana, 1, last_id => 3, sort => 'desc');
SELECT count(*) FROM parley.list_transactions(:ana, 1, last_id => 999);
SELECT count(*) FROM parley.list_transactions(:ana, 1, last_id => 9223372036854775807, sort => 'desc');
SELECT count(*) FROM parley.list_transactions(:ana, 1, last_id => 9223372036854775807);
SELECT count(*) FROM parley.list_transactions(:ana, 1, last_id => -9223372036854775808, sort => 'desc');

-- amounts_are_formatted_according_to_their_currency
SELECT parley.format_amount(-5, 'EUR'), parley.format_amount(1234, 'JPY'), parley.format_amount(1234, 'KWD'),
	parley.format_amount(9223372036854775807, 'USD');

-- a_batch_returns_one_row_per_item_in_the_order_given
SELECT t.id, t.account_id, t.amount, t.balance, t.memo, t.replayed, t.refused, t.refused_detail
	FROM parley.post_transactions(
		ARRAY[:bob, :eve, :bob, :eve, :bob]::bigint[], ARRAY[1, 1, 1, 1, 1], ARRAY[10, 20, -99999999, -120, 30],
		ARRAY['a', 'b', NULL, 'd', 'e'], ARRAY['batch 1', NULL, 'batch 2', NULL, 'batch 1']) t;
SELECT t.id, t.balance, t.replayed, t.refused FROM parley.post_transactions(
	ARRAY[:bob, :bob]::bigint[], ARRAY[1, 1], ARRAY[10, -99999999], ARRAY['a', NULL], ARRAY['batch 1', 'batch 2']) t;
SELECT t.id FROM parley.post_transactions('{}', '{}', '{}') t;

-- a_closed_account_takes_no_transactions_but_can_be_read
SELECT balance FROM parley.post_transaction(:ana, 3, -55, 'all of it');
SELECT parley.close_account(:ana, 3);
SELECT parley.close_account(:ana, 3);
SELECT id FROM parley.list_accounts(:ana);
SELECT amount FROM parley.list_transactions(:ana, 3);
SELECT balance FROM parley.get_balance(:ana, 3);

-- an_account_that_may_be_negative_never_has_insufficient_funds
SELECT parley.allow_negative(:eve, 1);
SELECT balance, refused FROM parley.post_transaction(:eve, 1, -1000);

-- nobody_changes_a_transaction
UPDATE parley.transactions SET memo = 'mine' WHERE user_id = :ana;
DELETE FROM parley.transactions WHERE false;
TRUNCATE parley.transactions;
UPDATE parley.transfers SET to_user_id = 1;
TRUNCATE parley.transfers;
DELETE FROM parley.refusals;
SET session_replication_role = replica;
DELETE FROM parley.transactions;
RESET session_replication_role;
SELECT c.relname, r.rolname, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
	WHERE c.oid IN ('parley.transactions'::regclass, 'parley.transfers'::regclass, 'parley.refusals'::regclass)
		AND a.grantee <> c.relowner;

-- an_index_that_the_operator_adds_is_maintained_too
CREATE INDEX transactions_by_memo ON parley.transactions (memo);
SELECT id > 0 AS posted FROM parley.post_transaction(:ana, 1, 7, 'indexed', 'indexed 1');
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT amount FROM parley.transactions WHERE memo = 'indexed';
SELECT amount FROM parley.transactions WHERE memo = 'indexed';
RESET enable_seqscan;
RESET enable_bitmapscan;
SELECT replayed FROM parley.post_transaction(:ana, 1, 7, 'indexed', 'indexed 1');
DROP INDEX parley.transactions_by_memo;

-- a_row_that_moves_to_another_page_is_still_found
ALTER TABLE parley.accounts SET (fillfactor = 100);
SELECT count(*) FROM (SELECT parley.open_account(:bob, 'EUR', repeat('x', 100)) FROM generate_series(1, 100)) made;
SELECT count(*) FROM (SELECT parley.post_transaction(:bob, 50, 1) FROM generate_series(1, 100)) posted;
SELECT balance, last_number FROM parley.accounts WHERE user_id = :bob AND id = 50;
ALTER TABLE parley.accounts SET (fillfactor = 80);

-- what_came_in_minus_what_went_out_is_what_is_there
SELECT id FROM parley.open_account(:ana, 'ISK') \gset isk_
SELECT id FROM parley.open_account(:bob, 'ISK') \gset bobs_
SELECT balance FROM parley.post_transaction(:ana, :isk_id, 500);
SELECT balance FROM parley.post_transaction(:ana, :isk_id, -100);
SELECT refused FROM parley.post_transfer(:ana, :isk_id, :bob, :bobs_id, 50);
SELECT * FROM parley.trial_balance() WHERE currency = 'ISK';
SELECT count(*) > 1 AS several FROM parley.trial_balance() WHERE difference = 0;

-- the_audit_finds_nothing
SELECT * FROM parley.audit_ledger();
