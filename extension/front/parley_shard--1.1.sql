-- parley_shard: what home and each shard have in addition to parley. The front calls these functions as parley_gateway, through PL/Proxy.
-- Each call is a transaction. Repeating it is harmless, and repairs what a crash between two databases has left.
-- The functions are in PL/pgSQL, because an SQL function that cannot be inlined is planned at every call.
\echo Use "CREATE EXTENSION parley_shard" to load this file. \quit

CREATE SCHEMA parley_shard;
COMMENT ON SCHEMA parley_shard IS 'functions that parley_front calls at home and on the shards';

-- Copies. Contacts and agents are created at home. A shard has copies of those to which its rows refer.

CREATE FUNCTION parley_shard.get_row(name text, id bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_row jsonb;
BEGIN
	EXECUTE format('SELECT to_jsonb(t) FROM parley.%I t WHERE t.id = $1', name) INTO found_row USING id;
	RETURN found_row;
END $$;
COMMENT ON FUNCTION parley_shard.get_row(text, bigint) IS 'Returns a row of contacts or agents, to be copied, or null if there is none.';

CREATE FUNCTION parley_shard.meet(name text, copied jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	relation regclass := format('parley.%I', name);
BEGIN
	EXECUTE (SELECT format('INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM jsonb_populate_record(NULL::%1$s, $1)
				ON CONFLICT (id) DO NOTHING', relation, string_agg(quote_ident(a.attname), ', '))
			FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '')
		USING copied;
END $$;
COMMENT ON FUNCTION parley_shard.meet(text, jsonb) IS
	'Makes a copy of a row of contacts or agents, if there is none. Otherwise does nothing, because the row may have been read at home '
	'before it was changed.';

CREATE FUNCTION parley_shard.remember(name text, copied jsonb, only_known boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	relation regclass := format('parley.%I', name);
BEGIN
	-- First, because this waits for others that do the same.
	IF NOT only_known THEN
		PERFORM parley_shard.meet(name, copied);
	END IF;
	-- A row that was read before the contact was erased or merged must not bring back what was removed.
	EXECUTE (SELECT format('UPDATE %1$s t SET %2$s FROM jsonb_populate_record(NULL::%1$s, $1) r
				WHERE t.id = r.id AND to_jsonb(t) <> $1
					AND (coalesce($1 ->> ''erased_at'', $1 ->> ''merged_into_id'') IS NOT NULL
						OR coalesce(to_jsonb(t) ->> ''erased_at'', to_jsonb(t) ->> ''merged_into_id'') IS NULL)',
				relation, string_agg(format('%1$I = r.%1$I', a.attname), ', '))
			FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '')
		USING copied;
END $$;
COMMENT ON FUNCTION parley_shard.remember(text, jsonb, boolean) IS
	'Makes the copy of a row of contacts or agents the same as at home. With only_known, only if there is a copy already.';

CREATE TABLE parley_shard.copies_due (
	relation text NOT NULL,
	row_id bigint NOT NULL,
	number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (relation, row_id)
);
COMMENT ON TABLE parley_shard.copies_due IS
	'at home: rows of contacts and agents that have changed, and that the shards may not have copied since; number is of the last change';
SELECT pg_extension_config_dump('parley_shard.copies_due', '');
SELECT pg_extension_config_dump('parley_shard.copies_due_number_seq', '');

CREATE FUNCTION parley_shard.note_copy(relation text, row_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO parley_shard.copies_due AS d (relation, row_id) VALUES (note_copy.relation, note_copy.row_id)
		ON CONFLICT ON CONSTRAINT copies_due_pkey DO UPDATE SET number = DEFAULT;
END $$;
COMMENT ON FUNCTION parley_shard.note_copy(text, bigint) IS
	'At home, in the transaction that changes a row of contacts or agents: records that the shards have to copy it.';

CREATE FUNCTION parley_shard.get_copy_due(relation text, row_id bigint, OUT copied jsonb, OUT number bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	copied := parley_shard.get_row(relation, row_id);
	SELECT d.number INTO number FROM parley_shard.copies_due d WHERE d.relation = relation AND d.row_id = row_id;
END $$;
COMMENT ON FUNCTION parley_shard.get_copy_due(text, bigint) IS
	'At home: returns a row of contacts or agents and, if the shards may not have it yet, the number of its change.';

CREATE FUNCTION parley_shard.list_copies_due(OUT relation text, OUT row_id bigint, OUT created_at timestamptz) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT d.relation, d.row_id, d.created_at FROM parley_shard.copies_due d ORDER BY d.number LIMIT 1000;
END $$;
COMMENT ON FUNCTION parley_shard.list_copies_due() IS 'At home: returns the rows that the shards may not have copied, oldest change first.';

CREATE FUNCTION parley_shard.forget_copy(relation text, row_id bigint, number bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	DELETE FROM parley_shard.copies_due d WHERE d.relation = relation AND d.row_id = row_id AND d.number = number;
END $$;
COMMENT ON FUNCTION parley_shard.forget_copy(text, bigint, bigint) IS
	'At home: records that the shards have copied a row as it was after the change of that number.';

CREATE FUNCTION parley_shard.meet_both(user_row jsonb, other_row jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	is_ordered boolean := (user_row ->> 'id')::bigint <= (other_row ->> 'id')::bigint;
BEGIN
	PERFORM parley_shard.meet('contacts', CASE WHEN is_ordered THEN user_row ELSE other_row END);
	PERFORM parley_shard.meet('contacts', CASE WHEN is_ordered THEN other_row ELSE user_row END);
END $$;
COMMENT ON FUNCTION parley_shard.meet_both(jsonb, jsonb) IS
	'meet() of two contacts in the order of their ids, so that both sides may at once.';

CREATE FUNCTION parley_shard.knows(user_id bigint) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT c.id FROM parley.contacts c WHERE c.id = user_id;
END $$;
COMMENT ON FUNCTION parley_shard.knows(bigint) IS 'Returns the contact''s id if this database has a copy of it, otherwise no row.';

CREATE FUNCTION parley_shard.copies(name text) RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT to_jsonb(t) FROM parley.%I t', name);
END $$;
COMMENT ON FUNCTION parley_shard.copies(text) IS 'Returns all rows of contacts or agents, for the audit.';

-- Conversations.

CREATE FUNCTION parley_shard.find_recipient(user_id bigint, recipient_id bigint, phone text, email text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM parley.get_contact(user_id);
	RETURN parley.find_recipient(user_id, recipient_id, phone, email, NULL);
END $$;
COMMENT ON FUNCTION parley_shard.find_recipient(bigint, bigint, text, text) IS
	'At home: returns the contact that a user means, whether or not the user may reach them. Errors: as for find_recipient.';

CREATE FUNCTION parley_shard.shares_conversation(user_id bigint, contact_id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN parley.shares_conversation(user_id, contact_id);
END $$;
COMMENT ON FUNCTION parley_shard.shares_conversation(bigint, bigint) IS
	'Returns whether this database has a conversation of which both are members.';

CREATE FUNCTION parley_shard.has_direct_conversation(low_contact_id bigint, high_contact_id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM parley.conversations c WHERE c.kind = 'direct'
		AND c.low_contact_id = has_direct_conversation.low_contact_id AND c.high_contact_id = has_direct_conversation.high_contact_id);
END $$;
COMMENT ON FUNCTION parley_shard.has_direct_conversation(bigint, bigint) IS 'Returns whether the direct conversation of the two exists.';

CREATE FUNCTION parley_shard.count_opening(user_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM parley.count_opening(user_id);
END $$;
COMMENT ON FUNCTION parley_shard.count_opening(bigint) IS 'At home: same as parley.count_opening.';

CREATE FUNCTION parley_shard.open_direct_conversation(
	user_row jsonb, other_row jsonb, phone text,
	OUT id bigint, OUT kind parley.conversation_kind, OUT user1_id bigint, OUT user2_id bigint, OUT created_at timestamptz,
	OUT created boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM parley_shard.meet_both(user_row, other_row);
	SELECT d.id, d.kind, d.user1_id, d.user2_id, d.created_at, d.created INTO id, kind, user1_id, user2_id, created_at, created
		FROM parley.open_direct_conversation((user_row ->> 'id')::bigint,
			CASE WHEN phone IS NULL THEN (other_row ->> 'id')::bigint END, open_direct_conversation.phone) d;
END $$;
COMMENT ON FUNCTION parley_shard.open_direct_conversation(jsonb, jsonb, text) IS
	'Same as parley.open_direct_conversation, for rows of two contacts from home.';

CREATE FUNCTION parley_shard.open_contact_conversation(
	contact_row jsonb, OUT contact_id bigint, OUT id bigint, OUT kind parley.conversation_kind, OUT created_at timestamptz,
	OUT created boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM parley_shard.meet('contacts', contact_row);
	SELECT o.contact_id, o.id, o.kind, o.created_at, o.created INTO contact_id, id, kind, created_at, created
		FROM parley.open_contact_conversation((contact_row ->> 'id')::bigint) o;
END $$;
COMMENT ON FUNCTION parley_shard.open_contact_conversation(jsonb) IS
	'Same as parley.open_contact_conversation, for a row of a contact from home.';

CREATE FUNCTION parley_shard.set_block(is_theirs boolean, user_row jsonb, contact_row jsonb, blocked boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT is_theirs AND (SELECT count(*) FROM parley.contacts c
			WHERE c.id IN ((user_row ->> 'id')::bigint, (contact_row ->> 'id')::bigint)) < 2 THEN
		RETURN;
	END IF;
	PERFORM parley_shard.meet_both(user_row, contact_row);
	IF blocked THEN
		PERFORM parley.block_contact((user_row ->> 'id')::bigint, (contact_row ->> 'id')::bigint);
	ELSE
		PERFORM parley.unblock_contact((user_row ->> 'id')::bigint, (contact_row ->> 'id')::bigint);
	END IF;
END $$;
COMMENT ON FUNCTION parley_shard.set_block(boolean, jsonb, jsonb, boolean) IS
	'Blocks or unblocks a contact: if the conversation of the two belongs here (is_theirs), or if both are known here, because others were '
	'merged into them.';

CREATE FUNCTION parley_shard.create_application(shard integer, name text, idempotency_key text) RETURNS parley.created_application
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN parley.create_application(name, idempotency_key);
END $$;
COMMENT ON FUNCTION parley_shard.create_application(integer, text, text) IS
	'Same as parley.create_application, on the shard to which the key belongs.';

-- Sync.

CREATE FUNCTION parley_shard.sync(
	user_id bigint, parts integer[], cursors text[], page_size integer, thorough boolean,
	OUT part integer, OUT cursor text, OUT messages json, OUT reads json, OUT transactions json, OUT more boolean, OUT changed boolean)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	since text;
BEGIN
	-- At home, which is part -1, an unknown user is an error.
	IF parts[1] >= 0 AND NOT EXISTS (SELECT FROM parley.contacts c WHERE c.id = sync.user_id) THEN
		RETURN;
	END IF;
	FOR n IN 1 .. cardinality(parts) LOOP
		part := parts[n];
		since := nullif(cursors[n], '');
		BEGIN
			SELECT s.cursor, s.messages, s.reads, s.transactions, s.more, s.changed INTO cursor, messages, reads, transactions, more, changed
				FROM parley.sync(user_id, since, page_size, thorough) s;
		EXCEPTION WHEN SQLSTATE 'PY410' THEN
			-- Only this database starts from the beginning.
			SELECT s.cursor, s.messages, s.reads, s.transactions, s.more, s.changed INTO cursor, messages, reads, transactions, more, changed
				FROM parley.sync(user_id, NULL, page_size, thorough) s;
		END;
		RETURN NEXT;
	END LOOP;
END $$;
COMMENT ON FUNCTION parley_shard.sync(bigint, integer[], text[], integer, boolean) IS
	'Same as parley.sync for each of the cursors. Returns no row if this shard does not know the user.';

CREATE FUNCTION parley_shard.sync_list(
	parts integer[], cursors text[], page_size integer,
	OUT part integer, OUT cursor text, OUT conversations json, OUT is_whole boolean, OUT more boolean, OUT changed boolean)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	FOR n IN 1 .. cardinality(parts) LOOP
		part := parts[n];
		BEGIN
			SELECT s.cursor, s.conversations, s.is_whole, s.more, s.changed INTO cursor, conversations, is_whole, more, changed
				FROM parley.sync_list(nullif(cursors[n], ''), page_size) s;
		EXCEPTION WHEN SQLSTATE 'PY410' THEN
			SELECT s.cursor, s.conversations, s.is_whole, s.more, s.changed INTO cursor, conversations, is_whole, more, changed
				FROM parley.sync_list(NULL, page_size) s;
		END;
		RETURN NEXT;
	END LOOP;
END $$;
COMMENT ON FUNCTION parley_shard.sync_list(integer[], text[], integer) IS 'Same as parley.sync_list for each of the cursors.';

-- Receipts. With the transfer, home records that a receipt is due. The front then lets the shard post it. The message's idempotency key is
-- random, so that no member of the conversation can use it first.

CREATE TABLE parley_shard.receipts_due (
	transfer_id bigint PRIMARY KEY,
	user_id bigint NOT NULL,
	conversation_id bigint NOT NULL,
	content text NOT NULL,
	idempotency_key text NOT NULL DEFAULT gen_random_uuid(),
	created_at timestamptz NOT NULL DEFAULT now(),
	message_id bigint
);
COMMENT ON TABLE parley_shard.receipts_due IS 'at home: receipts of transfers, and the message of each (message_id) once it is posted';
SELECT pg_extension_config_dump('parley_shard.receipts_due', '');

CREATE FUNCTION parley_shard.require_members(conversation_id bigint, user_id bigint, to_user_id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF user_id = to_user_id THEN
		RAISE EXCEPTION 'a transfer between accounts of one user has no receipt'
			USING ERRCODE = 'invalid_parameter_value', COLUMN = 'conversation_id';
	END IF;
	PERFORM parley.require_member(user_id, conversation_id), parley.require_member(to_user_id, conversation_id);
	RETURN EXISTS (SELECT FROM parley.members m
		WHERE m.conversation_id = require_members.conversation_id AND m.contact_id = user_id AND m.is_blocked);
END $$;
COMMENT ON FUNCTION parley_shard.require_members(bigint, bigint, bigint) IS
	'Checks that both are members of the conversation, and returns whether the first is blocked there. Errors: P0002 one of them is not a '
	'member, 22023 they are the same.';

CREATE FUNCTION parley_shard.get_receipt(
	user_id bigint, account_id bigint, number bigint, OUT transfer_id bigint, OUT conversation_id bigint, OUT content text,
	OUT idempotency_key text, OUT message_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	SELECT d.transfer_id, d.conversation_id, d.content, d.idempotency_key, d.message_id
		INTO transfer_id, conversation_id, content, idempotency_key, message_id
		FROM parley.transfers f JOIN parley_shard.receipts_due d ON d.transfer_id = f.id
		WHERE f.user_id = get_receipt.user_id AND f.account_id = get_receipt.account_id AND f.number = get_receipt.number;
END $$;
COMMENT ON FUNCTION parley_shard.get_receipt(bigint, bigint, bigint) IS
	'At home: returns the receipt of the transfer whose paying transaction this is, or nulls if it has none.';

CREATE FUNCTION parley_shard.post_transfer(
	user_id bigint, from_account_id bigint, to_user_id bigint, to_account_id bigint, amount bigint, memo text, conversation_id bigint,
	idempotency_key text, is_blocked boolean DEFAULT false)
RETURNS parley.posted_transfer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	posted parley.posted_transfer := parley.post_transfer(user_id, from_account_id, to_user_id, to_account_id, amount, memo, NULL,
		idempotency_key);
	line bigint := (posted.from_transaction ->> 'id')::bigint;
	due bigint;
BEGIN
	IF conversation_id IS NULL OR posted.refused IS NOT NULL THEN
		RETURN posted;
	END IF;
	IF is_blocked AND NOT posted.replayed THEN
		RAISE EXCEPTION 'you cannot write in this conversation' USING ERRCODE = 'insufficient_privilege';
	END IF;
	INSERT INTO parley_shard.receipts_due AS d (transfer_id, user_id, conversation_id, content)
		SELECT f.id, f.user_id, post_transfer.conversation_id,
			'paid ' || parley.format_amount(post_transfer.amount, a.currency) || coalesce(': ' || post_transfer.memo, '')
		FROM parley.transfers f JOIN parley.accounts a ON a.user_id = f.user_id AND a.id = f.account_id
		WHERE NOT posted.replayed AND f.user_id = post_transfer.user_id AND f.account_id = from_account_id AND f.number = line;
	SELECT r.conversation_id, r.message_id INTO due, posted.message_id FROM parley_shard.get_receipt(user_id, from_account_id, line) r;
	IF due IS DISTINCT FROM conversation_id THEN
		RAISE EXCEPTION 'idempotency key "%" was used for another transfer', idempotency_key
			USING ERRCODE = 'PY422', HINT = 'Use a new key for a new transfer.', COLUMN = 'idempotency_key';
	END IF;
	RETURN posted;
END $$;
COMMENT ON FUNCTION parley_shard.post_transfer(bigint, bigint, bigint, bigint, bigint, text, bigint, text, boolean) IS
	'At home: same as parley.post_transfer. In the same transaction, records that the receipt is due. is_blocked says that the payer is '
	'blocked in the conversation.';

CREATE FUNCTION parley_shard.list_receipts_due(
	OUT transfer_id bigint, OUT user_id bigint, OUT conversation_id bigint, OUT content text, OUT idempotency_key text,
	OUT created_at timestamptz)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT d.transfer_id, d.user_id, d.conversation_id, d.content, d.idempotency_key, d.created_at
		FROM parley_shard.receipts_due d WHERE d.message_id IS NULL ORDER BY d.created_at LIMIT 1000;
END $$;
COMMENT ON FUNCTION parley_shard.list_receipts_due() IS 'At home: returns the receipts that are not known to be posted, oldest first.';

CREATE FUNCTION parley_shard.post_receipt(conversation_id bigint, transfer_id bigint, user_id bigint, content text, idempotency_key text)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	posted parley.posted_message := parley.post_user_message(conversation_id, content, user_id, idempotency_key);
BEGIN
	UPDATE parley.messages m SET transfer_id = post_receipt.transfer_id
		WHERE m.conversation_id = post_receipt.conversation_id AND m.number = posted.message_id AND m.transfer_id IS NULL;
	RETURN posted.message_id;
END $$;
COMMENT ON FUNCTION parley_shard.post_receipt(bigint, bigint, bigint, text, text) IS
	'Posts the receipt of a transfer of home. If it was posted before, returns the same message.';

CREATE FUNCTION parley_shard.note_receipt(transfer_id bigint, message_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE parley_shard.receipts_due d SET message_id = note_receipt.message_id WHERE d.transfer_id = note_receipt.transfer_id;
END $$;
COMMENT ON FUNCTION parley_shard.note_receipt(bigint, bigint) IS
	'At home: records the message as which a receipt was posted.';

-- Erasures and merges of contacts. Home does its part and, in the same transaction, records that the shards have to do theirs. Each of
-- them does so once, however often it is told.

CREATE TABLE parley_shard.contacts_due (
	contact_id bigint PRIMARY KEY,
	into_id bigint,
	caller_id bigint,
	created_at timestamptz NOT NULL DEFAULT now(),
	done_at timestamptz
);
COMMENT ON TABLE parley_shard.contacts_due IS
	'at home: contacts that the shards have to erase or, with into_id, to merge into another; done_at is when all of them had done so';
SELECT pg_extension_config_dump('parley_shard.contacts_due', '');

CREATE FUNCTION parley_shard.begin_erasure(contact_id bigint, caller_id bigint) RETURNS parley.erasure
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	receipt parley.erasure := parley.erase_contact(contact_id, caller_id);
BEGIN
	INSERT INTO parley_shard.contacts_due AS d (contact_id, caller_id) VALUES (receipt.contact_id, receipt.caller_id)
		ON CONFLICT ON CONSTRAINT contacts_due_pkey DO NOTHING;
	RETURN receipt;
END $$;
COMMENT ON FUNCTION parley_shard.begin_erasure(bigint, bigint) IS
	'At home: same as parley.erase_contact. Records that the shards have to do their part.';

CREATE FUNCTION parley_shard.begin_merge(contact_id bigint, from_contact_id bigint) RETURNS parley.contact
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	merged parley.contact := parley.merge_contacts(contact_id, from_contact_id);
BEGIN
	INSERT INTO parley_shard.contacts_due AS d (contact_id, into_id) VALUES (from_contact_id, merged.id)
		ON CONFLICT ON CONSTRAINT contacts_due_pkey DO NOTHING;
	RETURN merged;
END $$;
COMMENT ON FUNCTION parley_shard.begin_merge(bigint, bigint) IS
	'At home: same as parley.merge_contacts. Records that the shards have to do their part.';

CREATE FUNCTION parley_shard.list_contacts_due(
	about_id bigint, OUT contact_id bigint, OUT into_id bigint, OUT caller_id bigint, OUT created_at timestamptz, OUT contact_rows jsonb[],
	OUT blocks jsonb)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	about constant bigint := (SELECT coalesce(c.merged_into_id, c.id) FROM parley.contacts c WHERE c.id = about_id);
BEGIN
	RETURN QUERY SELECT d.contact_id, d.into_id, d.caller_id, d.created_at,
			-- Those without a name, a phone and an email come first, because another contact may have these now.
			ARRAY(SELECT to_jsonb(c) FROM parley.contacts c
				WHERE c.id IN (d.contact_id, d.into_id) OR c.merged_into_id IN (d.contact_id, d.into_id)
				ORDER BY c.merged_into_id IS NULL, c.id),
			(SELECT coalesce(jsonb_agg(to_jsonb(b)), '[]') FROM parley.blocks b WHERE d.into_id IN (b.user_id, b.contact_id))
		FROM parley_shard.contacts_due d
		WHERE d.done_at IS NULL AND (about_id IS NULL OR about IN (d.contact_id, d.into_id)) ORDER BY d.created_at, d.contact_id;
END $$;
COMMENT ON FUNCTION parley_shard.list_contacts_due(bigint) IS
	'At home: returns the erasures and merges that the shards still have to do, of one contact or of all, in order, with the rows of the '
	'contacts and the blocks that belong to them.';

CREATE FUNCTION parley_shard.erase_copy(
	contact_id bigint, caller_id bigint, contact_rows jsonb[], OUT messages bigint, OUT idempotency_hashes bigint)
RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	IF NOT EXISTS (SELECT FROM parley.erasures e WHERE e.contact_id = contact_id) THEN
		-- The copy may have been made after the erasure at home. If there is none, make one, so that nobody makes one of an older row.
		PERFORM parley_shard.remember('contacts', contact_rows[cardinality(contact_rows)]);
		UPDATE parley.contacts c SET erased_at = NULL, name = coalesce(c.name, '?') WHERE c.id = contact_id;
		PERFORM parley.erase_contact(contact_id, caller_id);
	END IF;
	PERFORM parley_shard.remember('contacts', r, true) FROM unnest(contact_rows) r;
	RETURN QUERY SELECT e.messages, e.idempotency_hashes FROM parley.erasures e WHERE e.contact_id = contact_id;
END $$;
COMMENT ON FUNCTION parley_shard.erase_copy(bigint, bigint, jsonb[]) IS
	'Erases what this shard has of a contact that was erased at home. Returns what its own receipt says.';

CREATE FUNCTION parley_shard.merge_copy(contact_id bigint, into_id bigint, contact_rows jsonb[], blocks jsonb) RETURNS SETOF boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	is_member boolean := EXISTS (SELECT FROM parley.members m WHERE m.contact_id = contact_id);
BEGIN
	PERFORM parley_shard.remember('contacts', r, NOT is_member OR (r ->> 'id')::bigint <> into_id) FROM unnest(contact_rows) r;
	IF is_member THEN
		PERFORM parley.merge_conversations(into_id, contact_id);
	END IF;
	IF EXISTS (SELECT FROM parley.contacts c WHERE c.id = into_id) THEN
		INSERT INTO parley.blocks SELECT b.* FROM jsonb_populate_recordset(NULL::parley.blocks, blocks) b
			ON CONFLICT ON CONSTRAINT blocks_pkey DO NOTHING;
		PERFORM parley.merge_blocks(into_id, contact_id);
	END IF;
	RETURN NEXT is_member;
END $$;
COMMENT ON FUNCTION parley_shard.merge_copy(bigint, bigint, jsonb[], jsonb) IS
	'Gives the conversations that this shard has of a contact to the one into whom it was merged at home. Returns whether there were any.';

CREATE FUNCTION parley_shard.finish_contact(contact_id bigint, messages bigint, idempotency_hashes bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	UPDATE parley_shard.contacts_due d SET done_at = now() WHERE d.contact_id = contact_id AND d.done_at IS NULL;
	IF FOUND THEN
		UPDATE parley.erasures e
			SET messages = e.messages + coalesce(messages, 0), idempotency_hashes = e.idempotency_hashes + coalesce(idempotency_hashes, 0)
			WHERE e.contact_id = contact_id;
	END IF;
END $$;
COMMENT ON FUNCTION parley_shard.finish_contact(bigint, bigint, bigint) IS
	'At home: records that all shards have done their part, and adds what they have erased to the receipt.';

-- Audits.

CREATE FUNCTION parley_shard.audit(OUT found text) RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT 'conversations: ' || a::text FROM parley.audit_conversations() a
		UNION ALL SELECT 'ledger: ' || a::text FROM parley.audit_ledger() a
		UNION ALL SELECT 'shards: ' || a::text FROM parley.audit_shards() a;
END $$;
COMMENT ON FUNCTION parley_shard.audit() IS 'Returns the results of parley''s own audits of this database.';

CREATE FUNCTION parley_shard.logical_shards() RETURNS SETOF integer
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT DISTINCT (c.id & 1023)::integer FROM parley.conversations c
		UNION SELECT (a.id & 1023)::integer FROM parley.applications a;
END $$;
COMMENT ON FUNCTION parley_shard.logical_shards() IS 'Returns the logical shards whose conversations or applications are in this database.';

CREATE PROCEDURE parley_shard.drop_others(databases integer, database integer, size integer DEFAULT 1000)
LANGUAGE plpgsql
AS $$
DECLARE
	ids bigint[];
	referrer regclass;
BEGIN
	LOOP
		SELECT array_agg(c.id) INTO ids FROM (
			SELECT c.id FROM parley.conversations c WHERE (c.id & 1023) % databases <> database LIMIT size) c;
		EXIT WHEN ids IS NULL;
		FOR referrer IN SELECT a.attrelid FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
				WHERE t.relnamespace = 'parley'::regnamespace AND t.relkind IN ('r', 'p') AND a.attname = 'conversation_id' AND NOT a.attisdropped
					AND t.relname NOT IN ('transfers', 'refusals')
		LOOP
			EXECUTE format('DELETE FROM %s t WHERE t.conversation_id = ANY ($1)', referrer) USING ids;
		END LOOP;
		DELETE FROM parley.conversations c WHERE c.id = ANY (ids);
		COMMIT;
	END LOOP;
	DELETE FROM parley.applications a WHERE (a.id & 1023) % databases <> database;
	COMMIT;
END $$;
COMMENT ON PROCEDURE parley_shard.drop_others(integer, integer, integer) IS
	'After a split: deletes, in batches, the rows that belong to one of the other databases. Nobody reads these rows here any more.';

DO $$
DECLARE
	routine regprocedure;
BEGIN
	FOR routine IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'parley_shard'::regnamespace AND p.prokind = 'f' LOOP
		EXECUTE format('ALTER FUNCTION %s OWNER TO parley_owner', routine);
		EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', routine);
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO parley_gateway', routine);
	END LOOP;
END $$;
ALTER TABLE parley_shard.receipts_due OWNER TO parley_owner;
ALTER TABLE parley_shard.contacts_due OWNER TO parley_owner;
ALTER TABLE parley_shard.copies_due OWNER TO parley_owner;
REVOKE ALL ON PROCEDURE parley_shard.drop_others(integer, integer, integer) FROM PUBLIC;
GRANT USAGE ON SCHEMA parley_shard TO parley_gateway, parley_owner;
