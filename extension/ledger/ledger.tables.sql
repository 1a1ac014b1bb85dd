-- ledger: accounts and their immutable transactions. audit_ledger() contains the rules that always hold, and looks for
-- violations.

-- ISO 4217, without the codes of bonds, metals and tests.
CREATE DOMAIN parley.currency_code AS text
	CHECK (VALUE IN (
		'AED', 'AFN', 'ALL', 'AMD', 'ANG', 'AOA', 'ARS', 'AUD', 'AWG', 'AZN', 'BAM', 'BBD', 'BDT', 'BGN', 'BHD', 'BIF', 'BMD',
		'BND', 'BOB', 'BOV', 'BRL', 'BSD', 'BTN', 'BWP', 'BYN', 'BZD', 'CAD', 'CDF', 'CHE', 'CHF', 'CHW', 'CLF', 'CLP', 'CNY',
		'COP', 'COU', 'CRC', 'CUP', 'CVE', 'CZK', 'DJF', 'DKK', 'DOP', 'DZD', 'EGP', 'ERN', 'ETB', 'EUR', 'FJD', 'FKP', 'GBP',
		'GEL', 'GHS', 'GIP', 'GMD', 'GNF', 'GTQ', 'GYD', 'HKD', 'HNL', 'HTG', 'HUF', 'IDR', 'ILS', 'INR', 'IQD', 'IRR', 'ISK',
		'JMD', 'JOD', 'JPY', 'KES', 'KGS', 'KHR', 'KMF', 'KPW', 'KRW', 'KWD', 'KYD', 'KZT', 'LAK', 'LBP', 'LKR', 'LRD', 'LSL',
		'LYD', 'MAD', 'MDL', 'MGA', 'MKD', 'MMK', 'MNT', 'MOP', 'MRU', 'MUR', 'MVR', 'MWK', 'MXN', 'MXV', 'MYR', 'MZN', 'NAD',
		'NGN', 'NIO', 'NOK', 'NPR', 'NZD', 'OMR', 'PAB', 'PEN', 'PGK', 'PHP', 'PKR', 'PLN', 'PYG', 'QAR', 'RON', 'RSD', 'RUB',
		'RWF', 'SAR', 'SBD', 'SCR', 'SDG', 'SEK', 'SGD', 'SHP', 'SLE', 'SOS', 'SRD', 'SSP', 'STN', 'SVC', 'SYP', 'SZL', 'THB',
		'TJS', 'TMT', 'TND', 'TOP', 'TRY', 'TTD', 'TWD', 'TZS', 'UAH', 'UGX', 'USD', 'USN', 'UYI', 'UYU', 'UYW', 'UZS', 'VED',
		'VES', 'VND', 'VUV', 'WST', 'XAF', 'XCD', 'XCG', 'XOF', 'XPF', 'YER', 'ZAR', 'ZMW', 'ZWG'));
COMMENT ON DOMAIN parley.currency_code IS 'a currency code of ISO 4217, in capitals';

CREATE DOMAIN parley.account_name AS text
	CHECK (char_length(VALUE) BETWEEN 1 AND 100);
COMMENT ON DOMAIN parley.account_name IS 'a name of 1 to 100 characters';

-- Balances are limited to a hundred times as much (posting.h), which is far from where bigint overflows.
CREATE DOMAIN parley.amount AS bigint
	CHECK (VALUE <> 0 AND VALUE >= -1000000000000000 AND VALUE <= 1000000000000000);
COMMENT ON DOMAIN parley.amount IS 'minor units (cents), in when positive, out when negative, never 0; at most 10^15';

CREATE DOMAIN parley.paid_amount AS bigint
	CHECK (VALUE >= 1 AND VALUE <= 1000000000000000);
COMMENT ON DOMAIN parley.paid_amount IS 'minor units (cents) to pay, from 1 to 10^15';

CREATE DOMAIN parley.memo AS text
	CHECK (char_length(VALUE) BETWEEN 1 AND 500);
COMMENT ON DOMAIN parley.memo IS 'what a transaction is for: 1 to 500 characters';

-- Every transaction locks and updates the row, so pages are not filled completely, but no more than that: whoever reads a page
-- that is fuller than its fillfactor prunes it first. No index contains a column that changes, so each update is a HOT update.
CREATE TABLE parley.accounts (
	user_id bigint NOT NULL,
	id bigint NOT NULL,
	balance bigint NOT NULL DEFAULT 0,
	last_number bigint NOT NULL DEFAULT 0,
	last_transaction_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	closed_at timestamptz,
	allow_negative boolean NOT NULL DEFAULT false,
	has_refusals boolean NOT NULL DEFAULT false,
	currency parley.currency_code NOT NULL,
	name parley.account_name,
	idempotency_key parley.idempotency_key,
	PRIMARY KEY (user_id, id),
	CONSTRAINT accounts_balance_is_covered CHECK (balance >= 0 OR allow_negative),
	CONSTRAINT accounts_closed_is_empty CHECK (balance = 0 OR closed_at IS NULL)
) WITH (fillfactor = 80);
COMMENT ON TABLE parley.accounts IS 'the money of one user in one currency, in minor units (cents)';
COMMENT ON COLUMN parley.accounts.id IS 'counts 1, 2, 3 … within the user';
COMMENT ON COLUMN parley.accounts.last_number IS 'the number of the last transaction; 0 before the first';
COMMENT ON COLUMN parley.accounts.last_transaction_at IS 'created_at of the last transaction; the next one cannot be earlier';
COMMENT ON COLUMN parley.accounts.allow_negative IS 'the balance may be below zero; never set back to false';
COMMENT ON COLUMN parley.accounts.has_refusals IS 'whether keys must be looked up in refusals too';
COMMENT ON COLUMN parley.accounts.idempotency_key IS 'the key of the request that opened the account';

CREATE UNIQUE INDEX accounts_idempotency_key ON parley.accounts (user_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

-- Eight columns, because a ninth would make the null bitmap of every row 8 bytes longer: what only transfers have is in another
-- table. No foreign key to accounts: the only writer, ledger/posting.c, holds the lock of that row.
CREATE TABLE parley.transactions (
	user_id bigint NOT NULL,
	account_id bigint NOT NULL,
	number bigint NOT NULL,
	amount bigint NOT NULL,
	balance bigint NOT NULL,
	created_at timestamptz NOT NULL,
	idempotency_key parley.idempotency_key,
	memo parley.memo,
	PRIMARY KEY (user_id, account_id, number)
);
COMMENT ON TABLE parley.transactions IS 'signed amounts posted to an account, never updated or deleted';
COMMENT ON COLUMN parley.transactions.number IS
	'counts 1, 2, 3 … within the account, in commit order, created_at never decreasing; id in JSON';
COMMENT ON COLUMN parley.transactions.balance IS 'the account''s balance after this transaction';
COMMENT ON COLUMN parley.transactions.idempotency_key IS
	'the key of the request that created it; null for the receiving line of a transfer';

-- The index contains a hash of the key, which makes it half as large. It is not unique, and need not be: both readers and writers
-- hold the account's lock, and compare the key itself.
CREATE INDEX transactions_idempotency_key
	ON parley.transactions (user_id, account_id, pg_catalog.hashtextextended(idempotency_key, 0))
	WHERE idempotency_key IS NOT NULL;

-- The largest expense of every 64 transactions of an account, of every 64 such blocks, and so on, for find_largest_expense().
CREATE TABLE parley.expense_peaks (
	user_id bigint NOT NULL,
	account_id bigint NOT NULL,
	level integer NOT NULL,
	block bigint NOT NULL,
	number bigint NOT NULL,
	amount bigint NOT NULL,
	PRIMARY KEY (user_id, account_id, level, block)
);
COMMENT ON TABLE parley.expense_peaks IS 'the largest expense in a block of 64^level transactions of an account, the latest of equals';
COMMENT ON COLUMN parley.expense_peaks.block IS 'counts 1, 2, 3 … within the level; there is no row if the block has no expense';
COMMENT ON COLUMN parley.expense_peaks.number IS 'the number of the transaction';

CREATE TABLE parley.transfers (
	user_id bigint NOT NULL,
	account_id bigint NOT NULL,
	number bigint NOT NULL,
	to_user_id bigint NOT NULL,
	to_account_id bigint NOT NULL,
	to_number bigint NOT NULL,
	conversation_id bigint,
	message_number bigint,
	id bigint GENERATED BY DEFAULT AS IDENTITY UNIQUE,
	PRIMARY KEY (user_id, account_id, number)
);
COMMENT ON TABLE parley.transfers IS
	'two transactions in one commit whose amounts add up to zero: the key is the paying one, to_… is the receiving one';
COMMENT ON COLUMN parley.transfers.conversation_id IS 'where the receipt was posted, with the number message_number';
COMMENT ON COLUMN parley.transfers.id IS 'transfer_id in the receipt';

CREATE TABLE parley.refusals (
	user_id bigint NOT NULL,
	account_id bigint NOT NULL,
	idempotency_key parley.idempotency_key NOT NULL,
	amount bigint NOT NULL,
	balance bigint NOT NULL,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	to_user_id bigint,
	to_account_id bigint,
	conversation_id bigint,
	memo parley.memo,
	PRIMARY KEY (user_id, account_id, idempotency_key)
);
COMMENT ON TABLE parley.refusals IS
	'a transaction or transfer that was refused because of insufficient funds, kept so that its key gets the same result again';
COMMENT ON COLUMN parley.refusals.amount IS 'the amount that was refused, which is negative';
COMMENT ON COLUMN parley.refusals.balance IS 'the balance of the account at that time';
COMMENT ON COLUMN parley.refusals.to_user_id IS 'null if it was not a transfer';

-- Accounts and transactions, as every function and the API show them, and the columns that the gateway turns into headers and
-- errors.
CREATE TYPE parley.account AS (
	id bigint, user_id bigint, currency text, name text, balance bigint, created_at timestamptz, replayed boolean
);
CREATE TYPE parley.listed_account AS (
	id bigint, user_id bigint, currency text, name text, balance bigint, created_at timestamptz, next_last_id bigint
);
CREATE TYPE parley.posted_transaction AS (
	id bigint, account_id bigint, amount bigint, balance bigint, memo text, created_at timestamptz,
	replayed boolean, refused text, refused_detail text
);
CREATE TYPE parley.listed_transaction AS (
	id bigint, account_id bigint, amount bigint, balance bigint, memo text, created_at timestamptz, next_last_id bigint
);
CREATE TYPE parley.posted_transfer AS (
	from_transaction json, to_transaction json, message_id bigint, replayed boolean, refused text, refused_detail text
);
COMMENT ON TYPE parley.account IS 'an account, and whether an earlier request with the same key opened it';
COMMENT ON TYPE parley.listed_account IS 'an account in a list';
COMMENT ON TYPE parley.posted_transaction IS 'the transaction that was posted, or else refused, which is the SQLSTATE of the reason';
COMMENT ON TYPE parley.listed_transaction IS 'a transaction in a list';
COMMENT ON TYPE parley.posted_transfer IS
	'both transactions of a transfer, and the receipt''s number in its conversation, or else refused, which is the SQLSTATE of the '
	'reason';

CREATE FUNCTION parley.refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE EXCEPTION 'rows of table "%" cannot be changed', TG_TABLE_NAME
		USING ERRCODE = 'insufficient_privilege', HINT = 'Post a reversing transaction instead.';
END $$;
COMMENT ON FUNCTION parley.refuse_change() IS 'Trigger: refuses changes of a table, whoever makes them. Errors: 42501.';

CREATE TRIGGER transactions_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON parley.transactions
	EXECUTE FUNCTION parley.refuse_change();
CREATE TRIGGER transfers_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON parley.transfers
	EXECUTE FUNCTION parley.refuse_change();
CREATE TRIGGER refusals_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON parley.refusals
	EXECUTE FUNCTION parley.refuse_change();
-- ALWAYS, so that session_replication_role does not disable them.
ALTER TABLE parley.transactions ENABLE ALWAYS TRIGGER transactions_are_immutable;
ALTER TABLE parley.transfers ENABLE ALWAYS TRIGGER transfers_are_immutable;
ALTER TABLE parley.refusals ENABLE ALWAYS TRIGGER refusals_are_immutable;

SELECT pg_extension_config_dump('parley.accounts', '');
SELECT pg_extension_config_dump('parley.transactions', '');
SELECT pg_extension_config_dump('parley.expense_peaks', '');
SELECT pg_extension_config_dump('parley.transfers', '');
SELECT pg_extension_config_dump('parley.transfers_id_seq', '');
SELECT pg_extension_config_dump('parley.refusals', '');
