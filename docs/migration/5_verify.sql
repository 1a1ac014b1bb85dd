-- Step 5, and at any time from step 3 on: lists the users for whom the old data and the new data disagree, and rows that belong
-- to nobody. It must return no rows. A single statement has a single snapshot, so it may run while others write.
WITH by_account AS (
	SELECT a.user_id, sum(a.total::numeric) AS total FROM account a GROUP BY a.user_id
), old_way AS (
	SELECT a.user_id, count(*) AS transactions, sum(t.amount::numeric) AS amount
	FROM transaction t JOIN account a ON a.id = t.account_id GROUP BY a.user_id
), new_way AS (
	SELECT t.user_id, count(*) AS transactions, sum(t.amount::numeric) AS amount FROM transaction t GROUP BY t.user_id
)
SELECT u.id, u.total, coalesce(b.total, 0) AS total_of_accounts, o.transactions AS old_transactions, n.transactions,
	o.amount AS old_amount, n.amount
FROM users u
	LEFT JOIN by_account b ON b.user_id = u.id
	LEFT JOIN old_way o ON o.user_id = u.id
	LEFT JOIN new_way n ON n.user_id = u.id
WHERE u.total <> coalesce(b.total, 0) OR (o.transactions, o.amount) IS DISTINCT FROM (n.transactions, n.amount)
UNION ALL
SELECT 'nobody''s transaction ' || t.id, NULL, NULL, NULL, NULL, t.amount::numeric, NULL
FROM transaction t LEFT JOIN account a ON a.id = t.account_id LEFT JOIN users u ON u.id = coalesce(t.user_id, a.user_id)
WHERE u.id IS NULL
UNION ALL
SELECT 'nobody''s account ' || a.id, NULL, a.total::numeric, NULL, NULL, NULL, NULL
FROM account a WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = a.user_id);
