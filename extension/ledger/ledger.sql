-- ledger: accounts, transactions and transfers. ledger/posting.c decides about balances; the functions here are thin.

CREATE FUNCTION parley.require_account(user_id bigint, account_id bigint) RETURNS parley.accounts
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_account parley.accounts;
BEGIN
	SELECT * INTO found_account FROM parley.accounts a
		WHERE a.user_id = require_account.user_id AND a.id = require_account.account_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'account % of user % does not exist', account_id, user_id USING ERRCODE = 'no_data_found', COLUMN = 'account_id';
	END IF;
	RETURN found_account;
END $$;
COMMENT ON FUNCTION parley.require_account(bigint, bigint) IS 'Returns the row of an account. Errors: P0002 the user has no such account.';

CREATE FUNCTION parley.open_account(
	user_id bigint, currency parley.currency_code, name parley.account_name DEFAULT NULL,
	idempotency_key parley.idempotency_key DEFAULT NULL)
RETURNS parley.account
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	opened parley.account;
BEGIN
	IF currency IS NULL THEN
		RAISE EXCEPTION 'argument "currency" must not be null' USING ERRCODE = 'null_value_not_allowed', COLUMN = 'currency';
	END IF;
	-- The user's row serializes the numbering of accounts: someone who opens another one at the same time waits here.
	PERFORM FROM parley.contacts c WHERE c.id = open_account.user_id AND c.merged_into_id IS NULL FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'user % does not exist', user_id USING ERRCODE = 'no_data_found', COLUMN = 'user_id';
	END IF;
	SELECT a.id, a.user_id, a.currency, a.name, 0, a.created_at, true INTO opened
		FROM parley.accounts a
		WHERE a.user_id = open_account.user_id AND a.idempotency_key = open_account.idempotency_key;
	IF NOT FOUND THEN
		INSERT INTO parley.accounts AS a (user_id, id, currency, name, idempotency_key)
			VALUES (open_account.user_id,
				1 + coalesce((SELECT max(o.id) FROM parley.accounts o WHERE o.user_id = open_account.user_id), 0),
				open_account.currency, open_account.name, open_account.idempotency_key)
			RETURNING a.id, a.user_id, a.currency, a.name, a.balance, a.created_at, false INTO opened;
	ELSIF (opened.currency, opened.name) IS DISTINCT FROM (open_account.currency::text, open_account.name::text) THEN
		RAISE EXCEPTION 'idempotency key "%" was used for another account', idempotency_key
			USING ERRCODE = 'PY422', COLUMN = 'idempotency_key', HINT = 'Use a new key for a new account.';
	END IF;
	RETURN opened;
END $$;
COMMENT ON FUNCTION parley.open_account(bigint, parley.currency_code, parley.account_name, parley.idempotency_key) IS
	'Opens an empty account of a user in one currency, numbered within the user. If the user has used the key before, returns the '
	'account that was opened with it, as it was then (replayed). Errors: P0002 no such user; PY422 the key was used with another '
	'currency or name.';

CREATE FUNCTION parley.allow_negative(user_id bigint, account_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE parley.accounts a SET allow_negative = true
		WHERE a.user_id = allow_negative.user_id AND a.id = account_id;
	IF NOT FOUND THEN
		PERFORM parley.require_account(user_id, account_id);
	END IF;
END $$;
COMMENT ON FUNCTION parley.allow_negative(bigint, bigint) IS
	'Allows the balance of an account to be below zero, permanently. For the operator. Errors: P0002 no such account.';

CREATE FUNCTION parley.close_account(user_id bigint, account_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	closing parley.accounts;
BEGIN
	SELECT * INTO closing FROM parley.accounts a
		WHERE a.user_id = close_account.user_id AND a.id = account_id FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		PERFORM parley.require_account(user_id, account_id);
	ELSIF closing.balance <> 0 THEN
		RAISE EXCEPTION 'the balance of account % is %, not 0', account_id, closing.balance USING ERRCODE = 'PY409';
	END IF;
	UPDATE parley.accounts a SET closed_at = coalesce(a.closed_at, clock_timestamp())
		WHERE a.user_id = close_account.user_id AND a.id = account_id;
END $$;
COMMENT ON FUNCTION parley.close_account(bigint, bigint) IS
	'Closes an empty account permanently: it takes no more transactions and is not listed, but can still be read. For the operator.'
	' Errors: P0002 no such account; PY409 it is not empty.';

CREATE FUNCTION parley.list_accounts(
	user_id bigint, last_id bigint DEFAULT NULL, "limit" parley.page_limit DEFAULT 50)
RETURNS SETOF parley.listed_account
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 2
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
		SELECT p.id, p.user_id, p.currency::text, p.name::text, p.balance, p.created_at,
			CASE WHEN lead(p.id) OVER (ORDER BY p.id) IS NOT NULL THEN p.id END
		FROM (SELECT * FROM parley.accounts a
			WHERE a.user_id = list_accounts.user_id AND a.id > coalesce(last_id, 0) AND a.closed_at IS NULL
			ORDER BY a.id LIMIT list_accounts.limit + 1) p
		ORDER BY p.id LIMIT list_accounts.limit;
	IF NOT FOUND THEN
		PERFORM parley.get_contact(user_id);
	END IF;
	PERFORM parley.await_durable();
END $$;
COMMENT ON FUNCTION parley.list_accounts(bigint, bigint, parley.page_limit) IS
	'Returns the open accounts of a user after last_id, ordered by id. Errors: P0002 no such user.';

CREATE FUNCTION parley.account_totals(user_id bigint) RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	totals json := (SELECT '[' || coalesce(string_agg(row_to_json(t)::text, ',' ORDER BY t.currency), '') || ']'
		FROM (SELECT a.currency::text, sum(a.balance) AS total FROM parley.accounts a
			WHERE a.user_id = account_totals.user_id AND a.closed_at IS NULL
			GROUP BY a.currency::text) t);
BEGIN
	PERFORM parley.await_durable();
	RETURN totals;
END $$;
COMMENT ON FUNCTION parley.account_totals(bigint) IS
	'Returns what a user has in each currency, summed over the open accounts: [{"currency","total"}]. It uses one snapshot, so a '
	'transfer between two of them is never seen in only one.';

CREATE FUNCTION parley.get_user(
	user_id bigint, OUT id bigint, OUT name text, OUT phone text, OUT email text, OUT created_at timestamptz,
	OUT totals json, OUT total bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT c.id, c.name, c.phone, c.email, c.created_at, t.totals,
		CASE
			WHEN json_array_length(t.totals) = 0 THEN 0
			WHEN json_array_length(t.totals) = 1 AND abs((t.totals -> 0 ->> 'total')::numeric) <= 9223372036854775807
				THEN (t.totals -> 0 ->> 'total')::bigint
		END
	FROM parley.get_contact(user_id) c, LATERAL (SELECT parley.account_totals(c.id) AS totals) t;
END;
COMMENT ON FUNCTION parley.get_user(bigint) IS
	'Returns a user with the total of their accounts in each currency. total is set if there is one currency and it fits into '
	'bigint, and 0 without an account. Errors: P0002 no such contact.';

CREATE FUNCTION parley.post_transaction(
	user_id bigint, account_id bigint, amount parley.amount, memo parley.memo DEFAULT NULL,
	idempotency_key parley.idempotency_key DEFAULT NULL, caller_role text DEFAULT 'operator')
RETURNS parley.posted_transaction
LANGUAGE c -- acts as its owner, with a pinned search_path: extension/owner.h
AS 'MODULE_PATHNAME', 'parley_post_transaction_1_1';
COMMENT ON FUNCTION parley.post_transaction(bigint, bigint, parley.amount, parley.memo, parley.idempotency_key, text) IS
	'Posts a transaction to an account, in minor units, positive for money in and negative for money out. Only the operator '
	'(caller_role) can pay money in. Insufficient funds do not raise an error, but are returned: refused is PY409, refused_detail '
	'says what is missing, and the refusal is stored if there is a key. If the account has used the key before, returns the first '
	'result again (replayed). Errors: 42501 money in by anyone else; P0002 the user has no such account; PY409 closed; 22003 the '
	'balance would be beyond 10^17; PY422 the key was used with another amount or memo, or for a transfer.';

CREATE FUNCTION parley.last_number_at(user_id bigint, account_id bigint, at timestamptz, inclusive boolean DEFAULT true)
RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	low bigint := 0;
	high bigint := (SELECT a.last_number FROM parley.accounts a
		WHERE a.user_id = last_number_at.user_id AND a.id = last_number_at.account_id);
	middle bigint;
	time_there timestamptz;
BEGIN
	-- Times never decrease with the number, so binary search by the primary key finds the place, without an index on the time.
	WHILE low < high LOOP
		middle := low + (high - low + 1) / 2;
		SELECT t.created_at INTO time_there FROM parley.transactions t
			WHERE t.user_id = last_number_at.user_id AND t.account_id = last_number_at.account_id AND t.number = middle;
		IF time_there < at OR inclusive AND time_there = at THEN
			low := middle;
		ELSE
			high := middle - 1;
		END IF;
	END LOOP;
	RETURN low;
END $$;
COMMENT ON FUNCTION parley.last_number_at(bigint, bigint, timestamptz, boolean) IS
	'Returns the number of an account''s last transaction at or before a time or, if not inclusive, before it; 0 if there is none.';

CREATE FUNCTION parley.list_transactions(
	user_id bigint, account_id bigint, last_id bigint DEFAULT NULL, sort parley.sort_direction DEFAULT 'asc',
	"limit" parley.page_limit DEFAULT 50, "from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL)
RETURNS SETOF parley.listed_transaction
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	account parley.accounts := parley.require_account(user_id, account_id);
	first bigint := 1;
	last bigint := account.last_number;
BEGIN
	IF "from" > "to" THEN
		RAISE EXCEPTION 'from is after to' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'from';
	END IF;
	IF "from" IS NOT NULL THEN
		first := 1 + parley.last_number_at(user_id, account_id, "from", false);
	END IF;
	IF "to" IS NOT NULL THEN
		last := parley.last_number_at(user_id, account_id, "to");
	END IF;
	IF sort = 'asc' THEN
		first := greatest(first, least(coalesce(last_id, 0), last) + 1);
		RETURN QUERY
			SELECT t.number, t.account_id, t.amount, t.balance, t.memo::text, t.created_at,
				CASE WHEN t.number < last AND t.number - first + 1 = list_transactions.limit THEN t.number END
			FROM parley.transactions t
			WHERE t.user_id = list_transactions.user_id AND t.account_id = list_transactions.account_id
				AND t.number BETWEEN first AND last
			ORDER BY t.number LIMIT list_transactions.limit;
	ELSE
		last := least(last, greatest(coalesce(last_id, last + 1), 1) - 1);
		RETURN QUERY
			SELECT t.number, t.account_id, t.amount, t.balance, t.memo::text, t.created_at,
				CASE WHEN t.number > first AND last - t.number + 1 = list_transactions.limit THEN t.number END
			FROM parley.transactions t
			WHERE t.user_id = list_transactions.user_id AND t.account_id = list_transactions.account_id
				AND t.number BETWEEN first AND last
			ORDER BY t.number DESC LIMIT list_transactions.limit;
	END IF;
	PERFORM parley.await_durable();
END $$;
COMMENT ON FUNCTION parley.list_transactions(
		bigint, bigint, bigint, parley.sort_direction, parley.page_limit, timestamptz, timestamptz) IS
	'Returns transactions of an account strictly after (asc) or before (desc) the number last_id, or from that end, within [from, '
	'to] if these are given. Errors: P0002 the user has no such account; 22023 from is after to.';

CREATE FUNCTION parley.get_balance(
	user_id bigint, account_id bigint, INOUT at timestamptz DEFAULT NULL, OUT balance bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	account parley.accounts := parley.require_account(user_id, account_id);
BEGIN
	IF at IS NULL THEN
		at := statement_timestamp();
		balance := account.balance;
	ELSE
		balance := coalesce((SELECT t.balance FROM parley.transactions t
			WHERE t.user_id = get_balance.user_id AND t.account_id = get_balance.account_id
				AND t.number = parley.last_number_at(get_balance.user_id, get_balance.account_id, at)), 0);
	END IF;
	PERFORM parley.await_durable();
END $$;
COMMENT ON FUNCTION parley.get_balance(bigint, bigint, timestamptz) IS
	'Returns the balance of an account after its last transaction at or before a time or, without a time, the current balance. '
	'Errors: P0002 the user has no such account.';

CREATE FUNCTION parley.find_account_expense(
	user_id bigint, account_id bigint, first bigint, last bigint, OUT number bigint, OUT amount bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	-- From the transactions first to last, go on to the blocks of 64 that lie completely in between, to the blocks of these, and
	-- so on. At each level at most 126 rows at the edges are left to look at.
	WITH RECURSIVE spans(level, first, last) AS (
		SELECT 0, find_account_expense.first, find_account_expense.last
		UNION ALL
		SELECT s.level + 1, (s.first + 62) / 64 + 1, s.last / 64 FROM spans s WHERE (s.first + 62) / 64 + 1 <= s.last / 64
	), edges AS (
		SELECT s.level, e.first, e.last
		FROM spans s LEFT JOIN spans up ON up.level = s.level + 1,
			LATERAL (VALUES (s.first, coalesce((up.first - 1) * 64, s.last)), (up.last * 64 + 1, s.last)) AS e(first, last)
		WHERE e.first <= e.last
	)
	SELECT best.number, best.amount
	FROM edges e, LATERAL (
		(SELECT t.number, t.amount FROM parley.transactions t
			WHERE e.level = 0 AND t.user_id = find_account_expense.user_id
				AND t.account_id = find_account_expense.account_id AND t.number BETWEEN e.first AND e.last AND t.amount < 0
			ORDER BY t.amount, t.number DESC LIMIT 1)
		UNION ALL
		(SELECT p.number, p.amount FROM parley.expense_peaks p
			WHERE p.user_id = find_account_expense.user_id AND p.account_id = find_account_expense.account_id
				AND p.level = e.level AND p.block BETWEEN e.first AND e.last
			ORDER BY p.amount, p.number DESC LIMIT 1)
	) AS best
	ORDER BY best.amount, best.number DESC LIMIT 1;
END;
COMMENT ON FUNCTION parley.find_account_expense(bigint, bigint, bigint, bigint) IS
	'Returns the largest expense among the transactions first to last of an account, the latest of equals; null if there is none. '
	'Reads some hundred rows, however many transactions there are.';

CREATE FUNCTION parley.find_largest_expense(
	user_id bigint, "from" timestamptz, "to" timestamptz, currency parley.currency_code DEFAULT NULL,
	OUT id bigint, OUT account_id bigint, OUT amount bigint, OUT balance bigint, OUT memo text, OUT created_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF "from" IS NULL OR "to" IS NULL THEN
		RAISE EXCEPTION 'from and to must both be given'
			USING ERRCODE = 'null_value_not_allowed', COLUMN = CASE WHEN "from" IS NULL THEN 'from' ELSE 'to' END;
	ELSIF "from" > "to" THEN
		RAISE EXCEPTION 'from is after to' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'from';
	END IF;
	PERFORM parley.get_contact(user_id);
	SELECT t.number, t.account_id, t.amount, t.balance, t.memo, t.created_at INTO id, account_id, amount, balance, memo, created_at
		FROM parley.accounts a
			CROSS JOIN LATERAL parley.find_account_expense(a.user_id, a.id,
				1 + parley.last_number_at(a.user_id, a.id, "from", false), parley.last_number_at(a.user_id, a.id, "to")) e
			JOIN parley.transactions t ON t.user_id = find_largest_expense.user_id AND t.account_id = a.id AND t.number = e.number
		WHERE a.user_id = find_largest_expense.user_id
			AND (find_largest_expense.currency IS NULL OR a.currency = find_largest_expense.currency)
		ORDER BY t.amount, t.created_at DESC, t.account_id DESC LIMIT 1;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no expense from % to %', parley.rfc3339("from"), parley.rfc3339("to") USING ERRCODE = 'no_data_found';
	END IF;
	PERFORM parley.await_durable();
END $$;
COMMENT ON FUNCTION parley.find_largest_expense(bigint, timestamptz, timestamptz, parley.currency_code) IS
	'Returns the largest expense of a user in [from, to], the latest of equals: of the accounts in one currency or, without a '
	'currency, of all, compared in minor units. Errors: 22004 a time is missing; 22023 from is after to; P0002 no such user, or no '
	'expense.';

CREATE FUNCTION parley.move_money(
	user_id bigint, from_account_id bigint, to_user_id bigint, to_account_id bigint, amount parley.paid_amount, memo parley.memo,
	conversation_id bigint, idempotency_key parley.idempotency_key,
	OUT number bigint, OUT to_number bigint, OUT message_id bigint, OUT replayed boolean, OUT refused text, OUT refused_detail text)
LANGUAGE c SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_move_money_1_1';
COMMENT ON FUNCTION parley.move_money(
		bigint, bigint, bigint, bigint, parley.paid_amount, parley.memo, bigint, parley.idempotency_key) IS
	'Does the same as post_transfer, but returns the numbers of what it created.';

CREATE FUNCTION parley.describe_transaction(user_id bigint, account_id bigint, number bigint, viewer_id bigint) RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT row_to_json(shown)
	FROM (
		SELECT t.number AS id, t.user_id, t.account_id, t.amount, CASE WHEN t.user_id = viewer_id THEN t.balance END AS balance,
			t.memo, parley.rfc3339(t.created_at) AS created_at
		FROM parley.transactions t
		WHERE t.user_id = describe_transaction.user_id AND t.account_id = describe_transaction.account_id
			AND t.number = describe_transaction.number
	) shown;
END;
COMMENT ON FUNCTION parley.describe_transaction(bigint, bigint, bigint, bigint) IS
	'Returns a transaction as JSON for a user to see. The balance of another user''s account is null.';

CREATE FUNCTION parley.post_transfer(
	user_id bigint, from_account_id bigint, to_user_id bigint, to_account_id bigint, amount parley.paid_amount,
	memo parley.memo DEFAULT NULL, conversation_id bigint DEFAULT NULL, idempotency_key parley.idempotency_key DEFAULT NULL)
RETURNS parley.posted_transfer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	moved record := parley.move_money(user_id, from_account_id, to_user_id, to_account_id, amount, memo, conversation_id,
		idempotency_key);
BEGIN
	RETURN (parley.describe_transaction(user_id, from_account_id, moved.number, user_id),
		parley.describe_transaction(to_user_id, to_account_id, moved.to_number, user_id),
		moved.message_id, moved.replayed, moved.refused, moved.refused_detail)::parley.posted_transfer;
END $$;
COMMENT ON FUNCTION parley.post_transfer(
		bigint, bigint, bigint, bigint, parley.paid_amount, parley.memo, bigint, parley.idempotency_key) IS
	'Moves an amount from an account of the user to any other account in the same currency: two transactions in one commit. With '
	'conversation_id, the same commit also posts a receipt there from the user (message_id). The receiver must be a member too. The'
	' receipt is a message that names its transfer (transfer_id), and cannot be edited or deleted. The balance of another user''s '
	'account is not shown. Insufficient funds and keys are handled as in post_transaction; the key belongs to the paying account. '
	'Errors: P0002 no such account, or no conversation with both in it; PY409 closed, or another user''s account cannot receive '
	'this, whatever the reason; 22023 the same account twice, or two currencies of one user; 22003 a balance would be beyond 10^17;'
	' PY422 the key was used for something else.';

CREATE FUNCTION parley.post_transactions(
	user_ids bigint[], account_ids bigint[], amounts bigint[], memos text[] DEFAULT NULL, idempotency_keys text[] DEFAULT NULL)
RETURNS SETOF parley.posted_transaction
LANGUAGE c SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'parley_post_transactions';
COMMENT ON FUNCTION parley.post_transactions(bigint[], bigint[], bigint[], text[], text[]) IS
	'Posts many transactions in one commit. Returns a row for each, in the order given, with the result that post_transaction would'
	' have: the transaction, or refused and refused_detail, also for what post_transaction raises as an error. A refusal does not '
	'affect the others. Errors: 22023 arrays of different lengths.';

CREATE FUNCTION parley.minor_digits(currency text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE
	WHEN currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF',
		'XOF', 'XPF') THEN 0
	WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
	WHEN currency IN ('CLF', 'UYW') THEN 4
	ELSE 2
END;
COMMENT ON FUNCTION parley.minor_digits(text) IS 'returns the number of decimal digits of a currency''s minor unit according to ISO 4217';

CREATE FUNCTION parley.format_amount(amount bigint, currency text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN round(amount / 10::numeric ^ parley.minor_digits(currency), parley.minor_digits(currency))::text || ' ' || currency;
COMMENT ON FUNCTION parley.format_amount(bigint, text) IS 'formats an amount in minor units for people to read: 12.34 EUR';
