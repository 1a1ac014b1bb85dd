-- audit: the rules that always hold for the ledger, where they are violated, and restoring what depends on the transactions after
-- rows were loaded without ledger/posting.c.

CREATE FUNCTION parley.true_expense_peaks(
	OUT user_id bigint, OUT account_id bigint, OUT level integer, OUT block bigint, OUT number bigint, OUT amount bigint)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT DISTINCT ON (t.user_id, t.account_id, s.level, b.block) t.user_id, t.account_id, s.level, b.block, t.number, t.amount
	FROM parley.transactions t
		JOIN parley.accounts a ON a.user_id = t.user_id AND a.id = t.account_id
		CROSS JOIN LATERAL generate_series(1, (ln(greatest(a.last_number, 1)) / ln(64) + 0.001)::integer) AS s(level)
		CROSS JOIN LATERAL (SELECT (64::numeric ^ s.level)::bigint AS span) c
		CROSS JOIN LATERAL (SELECT (t.number - 1) / c.span + 1 AS block) b
	WHERE t.amount < 0 AND b.block * c.span <= a.last_number
	ORDER BY t.user_id, t.account_id, s.level, b.block, t.amount, t.number DESC;
END;
COMMENT ON FUNCTION parley.true_expense_peaks() IS 'Returns what expense_peaks must contain. Reads every transaction.';

CREATE FUNCTION parley.rebuild_ledger() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	repaired bigint;
BEGIN
	-- EXCLUSIVE, so that this also waits for those who have locked only a row so far and are about to write: otherwise there
	-- would be a deadlock.
	LOCK TABLE parley.accounts, parley.transactions, parley.expense_peaks IN EXCLUSIVE MODE;
	WITH truth AS (
		SELECT a.user_id, a.id, coalesce(max(t.number), 0) AS last_number, max(t.created_at) AS last_transaction_at,
			coalesce(sum(t.amount), 0) AS balance
		FROM parley.accounts a LEFT JOIN parley.transactions t ON t.user_id = a.user_id AND t.account_id = a.id
		GROUP BY a.user_id, a.id
	)
	UPDATE parley.accounts a
		SET last_number = t.last_number, last_transaction_at = t.last_transaction_at, balance = t.balance
		FROM truth t
		WHERE t.user_id = a.user_id AND t.id = a.id
			AND (a.last_number, a.last_transaction_at, a.balance) IS DISTINCT FROM (t.last_number, t.last_transaction_at, t.balance);
	GET DIAGNOSTICS repaired = ROW_COUNT;
	DELETE FROM parley.expense_peaks;
	INSERT INTO parley.expense_peaks (user_id, account_id, level, block, number, amount)
		SELECT p.user_id, p.account_id, p.level, p.block, p.number, p.amount FROM parley.true_expense_peaks() p;
	RETURN repaired;
END $$;
COMMENT ON FUNCTION parley.rebuild_ledger() IS
	'Sets balance, last_number and last_transaction_at of every account, and all peaks, from the transactions, after rows were '
	'loaded without post_transaction. Returns how many accounts it changed. Writers wait meanwhile.';

CREATE FUNCTION parley.trial_balance(
	OUT currency text, OUT balances bigint, OUT came_in bigint, OUT went_out bigint, OUT difference bigint)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER ROWS 10
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT parley.await_durable();
	WITH legs AS (
		SELECT a.currency::text, sum(t.amount) FILTER (WHERE t.amount > 0) AS came_in, -sum(t.amount) FILTER (WHERE t.amount < 0) AS went_out
		FROM parley.transactions t JOIN parley.accounts a ON a.user_id = t.user_id AND a.id = t.account_id
		WHERE NOT EXISTS (SELECT FROM parley.transfers f
				WHERE f.user_id = t.user_id AND f.account_id = t.account_id AND f.number = t.number)
			AND NOT EXISTS (SELECT FROM parley.transfers f
				WHERE f.to_user_id = t.user_id AND f.to_account_id = t.account_id AND f.to_number = t.number)
		GROUP BY a.currency::text
	), accounts AS (
		SELECT a.currency::text, sum(a.balance) AS balances FROM parley.accounts a GROUP BY a.currency::text
	)
	SELECT a.currency, a.balances::bigint, coalesce(l.came_in, 0)::bigint, coalesce(l.went_out, 0)::bigint,
			(a.balances - coalesce(l.came_in, 0) + coalesce(l.went_out, 0))::bigint
		FROM accounts a LEFT JOIN legs l ON l.currency = a.currency
		ORDER BY a.currency;
END;
COMMENT ON FUNCTION parley.trial_balance() IS
	'Returns, per currency, the sum of all balances, what came in and went out by transactions that are not part of a transfer, and'
	' the difference: 0, because transfers only move money. Reads every transaction.';

CREATE FUNCTION parley.audit_ledger(OUT rule text, OUT user_id bigint, OUT account_id bigint, OUT found text)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH lines AS (
		SELECT t.*, lag(t.balance, 1, 0::bigint) OVER w AS balance_before, lag(t.created_at) OVER w AS created_before
		FROM parley.transactions t
		WINDOW w AS (PARTITION BY t.user_id, t.account_id ORDER BY t.number)
	), truth AS (
		SELECT l.user_id, l.account_id, count(*) AS lines, min(l.number) AS first, max(l.number) AS last, sum(l.amount) AS total,
			max(l.created_at) AS last_at, min(l.balance) AS lowest,
			count(*) FILTER (WHERE l.balance_before::numeric + l.amount <> l.balance) AS wrong_balances,
			count(*) FILTER (WHERE l.created_at < l.created_before) AS out_of_time,
			count(*) FILTER (WHERE l.amount = 0) AS zeros
		FROM lines l GROUP BY l.user_id, l.account_id
	), facts AS (
		SELECT a.user_id, a.id AS account_id, a.balance, a.last_number, a.last_transaction_at, a.allow_negative, a.closed_at,
			coalesce(t.lines, 0) AS lines, coalesce(t.first, 1) AS first, coalesce(t.last, 0) AS last, coalesce(t.total, 0) AS total,
			t.last_at, coalesce(t.lowest, 0) AS lowest, coalesce(t.wrong_balances, 0) AS wrong_balances,
			coalesce(t.out_of_time, 0) AS out_of_time, coalesce(t.zeros, 0) AS zeros
		FROM parley.accounts a LEFT JOIN truth t ON t.user_id = a.user_id AND t.account_id = a.id
	)
	SELECT 'numbers run from 1 without a gap', f.user_id, f.account_id, format('%s lines numbered %s to %s', f.lines, f.first, f.last)
		FROM facts f WHERE f.first <> 1 OR f.last <> f.lines
	UNION ALL
	SELECT 'last_number is the last transaction''s', f.user_id, f.account_id, format('%s, not %s', f.last_number, f.last)
		FROM facts f WHERE f.last_number <> f.last
	UNION ALL
	SELECT 'last_transaction_at is the last transaction''s', f.user_id, f.account_id,
			format('%s, not %s', coalesce(f.last_transaction_at::text, 'null'), coalesce(f.last_at::text, 'null'))
		FROM facts f WHERE f.last_transaction_at IS DISTINCT FROM f.last_at
	UNION ALL
	SELECT 'the balance is the sum of the amounts', f.user_id, f.account_id, format('%s, not %s', f.balance, f.total)
		FROM facts f WHERE f.balance <> f.total
	UNION ALL
	SELECT 'a transaction''s balance is the one before and its amount', f.user_id, f.account_id, format('not of %s', f.wrong_balances)
		FROM facts f WHERE f.wrong_balances > 0
	UNION ALL
	SELECT 'time never goes back', f.user_id, f.account_id, format('before %s transactions', f.out_of_time)
		FROM facts f WHERE f.out_of_time > 0
	UNION ALL
	SELECT 'an amount is not 0', f.user_id, f.account_id, format('of %s transactions', f.zeros)
		FROM facts f WHERE f.zeros > 0
	UNION ALL
	SELECT 'a balance is never below 0, unless the account may', f.user_id, f.account_id, format('it was %s', f.lowest)
		FROM facts f WHERE f.lowest < 0 AND NOT f.allow_negative
	UNION ALL
	SELECT 'a closed account is empty', f.user_id, f.account_id, format('%s is in it', f.balance)
		FROM facts f WHERE f.closed_at IS NOT NULL AND f.balance <> 0
	UNION ALL
	SELECT 'a transaction has its account', t.user_id, t.account_id, format('%s without one', t.lines)
		FROM truth t WHERE NOT EXISTS (SELECT FROM parley.accounts a WHERE a.user_id = t.user_id AND a.id = t.account_id)
	UNION ALL
	SELECT 'an account''s user is a contact', a.user_id, a.id, 'there is none'
		FROM parley.accounts a WHERE NOT EXISTS (SELECT FROM parley.contacts c WHERE c.id = a.user_id)
	UNION ALL
	SELECT 'a key is used once in an account', k.user_id, k.account_id, format('%s, %s times', k.idempotency_key, count(*))
		FROM (
			SELECT t.user_id, t.account_id, t.idempotency_key FROM parley.transactions t WHERE t.idempotency_key IS NOT NULL
			UNION ALL
			SELECT r.user_id, r.account_id, r.idempotency_key FROM parley.refusals r
		) k
		GROUP BY k.user_id, k.account_id, k.idempotency_key HAVING count(*) > 1
	UNION ALL
	SELECT 'an account with refusals says so', r.user_id, r.account_id, format('it has %s', count(*))
		FROM parley.refusals r LEFT JOIN parley.accounts a ON a.user_id = r.user_id AND a.id = r.account_id
		WHERE a.has_refusals IS NOT TRUE GROUP BY r.user_id, r.account_id
	UNION ALL
	SELECT 'a transfer''s amounts sum to 0 in one currency', f.user_id, f.account_id,
			format('number %s: %s %s and %s %s', f.number, paid.amount, payer.currency, received.amount, receiver.currency)
		FROM parley.transfers f
		LEFT JOIN parley.transactions paid ON (paid.user_id, paid.account_id, paid.number) = (f.user_id, f.account_id, f.number)
		LEFT JOIN parley.transactions received
			ON (received.user_id, received.account_id, received.number) = (f.to_user_id, f.to_account_id, f.to_number)
		LEFT JOIN parley.accounts payer ON (payer.user_id, payer.id) = (f.user_id, f.account_id)
		LEFT JOIN parley.accounts receiver ON (receiver.user_id, receiver.id) = (f.to_user_id, f.to_account_id)
		WHERE (paid.amount::numeric + received.amount = 0 AND payer.currency = receiver.currency) IS NOT TRUE
	UNION ALL
	SELECT 'money comes from somewhere', NULL, NULL,
			format('%s: %s is there, %s came in, %s went out', b.currency, b.balances, b.came_in, b.went_out)
		FROM parley.trial_balance() b WHERE b.difference <> 0
	UNION ALL
	SELECT 'what was posted is never changed', NULL, NULL, format('trigger %s is not ENABLE ALWAYS', w.name)
		FROM (VALUES ('transactions'), ('transfers'), ('refusals')) AS p(of), LATERAL (SELECT p.of || '_are_immutable' AS name) w
		WHERE NOT EXISTS (SELECT FROM pg_trigger g
			WHERE g.tgrelid = to_regclass('parley.' || p.of) AND g.tgname = w.name AND g.tgenabled = 'A'
				AND g.tgfoid = 'parley.refuse_change()'::regprocedure)
	UNION ALL
	SELECT 'every full block has the peak of its transactions', coalesce(p.user_id, e.user_id), coalesce(p.account_id, e.account_id),
			format('level %s, block %s: number %s, not %s', coalesce(p.level, e.level), coalesce(p.block, e.block),
				coalesce(p.number::text, 'none'), coalesce(e.number::text, 'none'))
		FROM parley.expense_peaks p
		FULL JOIN parley.true_expense_peaks() e ON (e.user_id, e.account_id, e.level, e.block) = (p.user_id, p.account_id, p.level, p.block)
		WHERE p.number IS DISTINCT FROM e.number;
END;
COMMENT ON FUNCTION parley.audit_ledger() IS
	'Returns the accounts that violate a rule that must always hold, and how; no rows if all is well. Reads every transaction.';
