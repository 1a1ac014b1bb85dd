-- Keeps the old and the new representation of the money consistent, whichever code writes. Included by 2_expand.sql and
-- 6_retire_undo.sql. The old code inserts (account_id, amount) and writes the account's total. The new code inserts (user_id,
-- amount) and writes no total. Each transaction of the new code is put on an account too, so that the old code finds it for as
-- long as one may want to go back.
CREATE OR REPLACE FUNCTION attach_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.account_id IS NOT NULL THEN
		NEW.user_id := coalesce(NEW.user_id, (SELECT a.user_id FROM account a WHERE a.id = NEW.account_id));
		RETURN NEW;
	END IF;
	-- Lock an account before its user, as the writes of the old code do. Two first transactions of a user create one account.
	NEW.account_id := (SELECT min(a.id) FROM account a WHERE a.user_id = NEW.user_id);
	IF NEW.account_id IS NULL THEN
		PERFORM pg_advisory_xact_lock(hashtext('first account'), hashtext(NEW.user_id));
		NEW.account_id := (SELECT min(a.id) FROM account a WHERE a.user_id = NEW.user_id);
	END IF;
	IF NEW.account_id IS NULL THEN
		INSERT INTO account (id, user_id, total) VALUES (gen_random_uuid(), NEW.user_id, 0) RETURNING id INTO NEW.account_id;
	END IF;
	UPDATE account a SET total = coalesce(a.total, 0) + NEW.amount WHERE a.id = NEW.account_id;
	RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER attach_transaction BEFORE INSERT ON transaction FOR EACH ROW EXECUTE FUNCTION attach_transaction();

-- A user's total is the sum over ALL their accounts. `UPDATE users SET total = total + a.total FROM account a WHERE a.user_id =
-- users.id` would be wrong: UPDATE … FROM changes a row once, with whichever of its accounts comes first. The user's row is
-- locked before the sum is taken, so if two writers write to two accounts of one user, one of them sees the other.
CREATE OR REPLACE FUNCTION total_user(who varchar) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM FROM users u WHERE u.id = who FOR NO KEY UPDATE;
	UPDATE users u SET total = s.total
		FROM (SELECT coalesce(sum(a.total::numeric), 0) AS total FROM account a WHERE a.user_id = who) s
		WHERE u.id = who AND u.total <> s.total;
END $$;

CREATE OR REPLACE FUNCTION follow_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP <> 'INSERT' THEN
		PERFORM total_user(OLD.user_id);
	END IF;
	IF TG_OP <> 'DELETE' AND (TG_OP = 'INSERT' OR NEW.user_id IS DISTINCT FROM OLD.user_id) THEN
		PERFORM total_user(NEW.user_id);
	END IF;
	RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER follow_account AFTER INSERT OR UPDATE OF total, user_id OR DELETE ON account
	FOR EACH ROW EXECUTE FUNCTION follow_account();
