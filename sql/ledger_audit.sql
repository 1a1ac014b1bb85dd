-- ledger_audit: breaks each rule that must always hold, and checks that the audit reports it. Every breach is rolled back.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET datestyle = 'ISO';
SELECT id AS ana FROM parley.create_user('+1 723 555 0001', 'Ana Broken') \gset
SELECT id FROM parley.open_account(:ana, 'EUR');
SELECT id FROM parley.open_account(:ana, 'EUR');
SELECT balance FROM parley.post_transaction(:ana, 1, 300);
SELECT count(*) FROM (SELECT parley.post_transaction(:ana, 1, -1) FROM generate_series(1, 100)) made;
SELECT refused FROM parley.post_transaction(:ana, 1, -1000, NULL, 'k');
SELECT replayed FROM parley.post_transfer(:ana, 1, :ana, 2, 50);
SELECT * FROM parley.audit_ledger();

-- Most rules can only be broken by someone who may disable the triggers.
\set unlock 'ALTER TABLE parley.transactions DISABLE TRIGGER ALL; ALTER TABLE parley.transfers DISABLE TRIGGER ALL; ALTER TABLE parley.refusals DISABLE TRIGGER ALL'
\set audit 'SELECT rule, account_id, CASE WHEN rule ~ $$^money$$ THEN regexp_replace(found, $$-?\\d+$$, $$N$$, $$g$$) ELSE regexp_replace(found, $$\\d+-\\d+-\\d+ [0-9:.+-]+$$, $$TIME$$, $$g$$) END AS found FROM parley.audit_ledger() WHERE rule <> $$what was posted is never changed$$ ORDER BY rule, account_id, found'

-- a_trigger_disabled_by_a_setting_or_a_restore
BEGIN;
ALTER TABLE parley.transactions ENABLE TRIGGER transactions_are_immutable;
ALTER TABLE parley.transfers DISABLE TRIGGER transfers_are_immutable;
DROP TRIGGER refusals_are_immutable ON parley.refusals;
CREATE TRIGGER refusals_are_immutable AFTER INSERT ON parley.refusals EXECUTE FUNCTION parley.refuse_change();
SELECT * FROM parley.audit_ledger() ORDER BY found;
ROLLBACK;

-- money_from_nowhere: a balance without transactions, a transfer that creates money
BEGIN;
UPDATE parley.accounts SET balance = balance + 7 WHERE user_id = :ana AND id = 2;
SELECT rule, regexp_replace(found, '-?\d+', 'N', 'g') AS found FROM parley.audit_ledger() WHERE rule ~ 'money';
ROLLBACK;

-- a_gap
BEGIN;
:unlock;
DELETE FROM parley.transactions WHERE user_id = :ana AND account_id = 1 AND number = 5;
:audit;
ROLLBACK;

-- a_missing_end
BEGIN;
:unlock;
DELETE FROM parley.transactions WHERE user_id = :ana AND account_id = 1 AND number = 102;
:audit;
ROLLBACK;

-- a_wrong_balance
BEGIN;
:unlock;
UPDATE parley.accounts SET balance = balance + 1 WHERE user_id = :ana AND id = 1;
:audit;
ROLLBACK;

-- a_changed_amount
BEGIN;
:unlock;
UPDATE parley.transactions SET amount = -2 WHERE user_id = :ana AND account_id = 1 AND number = 100;
:audit;
ROLLBACK;

-- a_changed_balance
BEGIN;
:unlock;
UPDATE parley.transactions SET balance = 7 WHERE user_id = :ana AND account_id = 1 AND number = 100;
:audit;
ROLLBACK;

-- an_amount_of_0
BEGIN;
:unlock;
UPDATE parley.transactions SET amount = 0 WHERE user_id = :ana AND account_id = 2 AND number = 1;
:audit;
ROLLBACK;

-- a_time_before_the_previous_one
BEGIN;
:unlock;
UPDATE parley.transactions SET created_at = '2000-01-01' WHERE user_id = :ana AND account_id = 1 AND number = 50;
:audit;
ROLLBACK;

-- a_wrong_time_of_the_last_transaction
BEGIN;
:unlock;
UPDATE parley.accounts SET last_transaction_at = NULL WHERE user_id = :ana AND id = 2;
:audit;
ROLLBACK;

-- an_overdraft
BEGIN;
:unlock;
UPDATE parley.transactions SET balance = -1 WHERE user_id = :ana AND account_id = 1 AND number = 100;
:audit;
ROLLBACK;

-- a_key_used_twice
BEGIN;
:unlock;
UPDATE parley.transactions SET idempotency_key = 'k' WHERE user_id = :ana AND account_id = 1 AND number IN (1, 2);
:audit;
ROLLBACK;

-- a_refusal_that_is_not_looked_for
BEGIN;
:unlock;
UPDATE parley.accounts SET has_refusals = false WHERE user_id = :ana AND id = 1;
:audit;
ROLLBACK;

-- a_transfer_of_two_amounts
BEGIN;
:unlock;
UPDATE parley.transactions SET amount = 51, balance = 51 WHERE user_id = :ana AND account_id = 2 AND number = 1;
:audit;
ROLLBACK;

-- a_transfer_without_its_other_line
BEGIN;
:unlock;
UPDATE parley.transfers SET to_number = 2 WHERE user_id = :ana;
:audit;
ROLLBACK;

-- a_transfer_between_two_currencies
BEGIN;
:unlock;
UPDATE parley.accounts SET currency = 'USD' WHERE user_id = :ana AND id = 2;
:audit;
ROLLBACK;

-- a_wrong_peak
BEGIN;
:unlock;
UPDATE parley.expense_peaks SET number = 5 WHERE user_id = :ana AND account_id = 1;
:audit;
ROLLBACK;

-- a_missing_peak
BEGIN;
:unlock;
DELETE FROM parley.expense_peaks WHERE user_id = :ana AND account_id = 1;
:audit;
ROLLBACK;

-- a_peak_without_an_expense
BEGIN;
:unlock;
INSERT INTO parley.expense_peaks VALUES (:ana, 2, 1, 1, 1, -1);
:audit;
ROLLBACK;

-- a_transaction_without_an_account
BEGIN;
:unlock;
UPDATE parley.transactions SET account_id = 9 WHERE user_id = :ana AND account_id = 2;
:audit;
ROLLBACK;

-- an_account_without_a_user
BEGIN;
:unlock;
INSERT INTO parley.accounts (user_id, id, currency) VALUES (-5, 1, 'EUR');
:audit;
ROLLBACK;

-- a_closed_account_with_money and a_balance_below_0 are refused by the table itself
UPDATE parley.accounts SET closed_at = now() WHERE user_id = :ana AND id = 1;
UPDATE parley.accounts SET balance = -1 WHERE user_id = :ana AND id = 1;

-- rebuilding_corrects_what_follows_from_the_transactions
BEGIN;
UPDATE parley.accounts SET balance = 7, last_number = 9, last_transaction_at = NULL WHERE user_id = :ana AND id = 1;
UPDATE parley.expense_peaks SET number = 5 WHERE user_id = :ana;
SELECT parley.rebuild_ledger();
:audit;
ROLLBACK;
SELECT * FROM parley.audit_ledger();
