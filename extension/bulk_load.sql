-- bulk_load: drops the indexes of the conversations' tables, and builds them again after the load. In between, the loader has the
-- tables for itself: COPY into them, number the messages of each conversation from 1 without a gap, in the order of created_at,
-- and set last_number, newest_number and last_message_at of the conversations, and also operator_read_number, unless all of it is
-- unread for the operator.
--
-- Everything is recorded in tables, so if a load ends in between, anyone can finish it with finish_bulk_load().

-- The indexes that can be dropped and built again: no index that something depends on, such as a foreign key, and none of another
-- extension.
CREATE FUNCTION parley.bulk_load_candidates()
RETURNS TABLE (name text, definition text, removal text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT c.relname::text,
		CASE WHEN k.oid IS NULL THEN pg_get_indexdef(c.oid)
			ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', i.indrelid::regclass, k.conname, pg_get_constraintdef(k.oid)) END,
		CASE WHEN k.oid IS NULL THEN format('DROP INDEX %s', c.oid::regclass)
			ELSE format('ALTER TABLE %s DROP CONSTRAINT %I', i.indrelid::regclass, k.conname) END
	FROM pg_index i
		JOIN pg_class c ON c.oid = i.indexrelid
		LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
	WHERE i.indrelid IN ('parley.contacts'::regclass, 'parley.conversations'::regclass, 'parley.members'::regclass,
			'parley.messages'::regclass)
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refobjid IN (c.oid, k.oid) AND d.deptype = 'n')
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('e', 'x'));
END;
COMMENT ON FUNCTION parley.bulk_load_candidates() IS
	'returns the indexes that a bulk load may drop, with the statements that build and drop them';

CREATE FUNCTION parley.begin_bulk_load(source text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	candidate record;
	load_id bigint;
BEGIN
	SELECT id INTO load_id FROM parley.bulk_loads WHERE finished_at IS NULL FOR UPDATE;
	IF load_id IS NULL THEN
		INSERT INTO parley.bulk_loads (source) VALUES (begin_bulk_load.source) RETURNING id INTO load_id;
	ELSE
		UPDATE parley.bulk_loads l
		SET source = begin_bulk_load.source, began_at = now(), contacts_count = NULL, messages_count = NULL
		WHERE l.id = load_id;
	END IF;
	FOR candidate IN SELECT * FROM parley.bulk_load_candidates() LOOP
		INSERT INTO parley.bulk_load_indexes (name, definition) VALUES (candidate.name, candidate.definition)
		ON CONFLICT ON CONSTRAINT bulk_load_indexes_pkey DO UPDATE SET definition = excluded.definition;
		EXECUTE candidate.removal;
	END LOOP;
	RETURN load_id;
END
$$;
COMMENT ON FUNCTION parley.begin_bulk_load(text) IS
	'drops the indexes of contacts, conversations, members and messages before a load; takes over a load that was not finished';

CREATE FUNCTION parley.build_bulk_load_index(name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	statement text;
BEGIN
	DELETE FROM parley.bulk_load_indexes i WHERE i.name = build_bulk_load_index.name RETURNING definition INTO statement;
	-- It already exists if a dump was taken during a load: CREATE EXTENSION created it.
	IF statement IS NOT NULL AND to_regclass(format('parley.%I', build_bulk_load_index.name)) IS NULL THEN
		EXECUTE statement;
	END IF;
END
$$;
COMMENT ON FUNCTION parley.build_bulk_load_index(text) IS 'builds one of bulk_load_indexes again; does nothing if it is not one of them';

CREATE FUNCTION parley.finish_bulk_load() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM parley.build_bulk_load_index(i.name)
	FROM (SELECT name FROM parley.bulk_load_indexes ORDER BY name) i;
	UPDATE parley.bulk_loads SET finished_at = now() WHERE finished_at IS NULL;
END
$$;
COMMENT ON FUNCTION parley.finish_bulk_load() IS
	'builds the indexes that a bulk load has dropped, and ends the load; does nothing if there is no load';
