-- A bulk load drops indexes and builds the same ones again, remembers in between what is missing, and can be taken over.
\set VERBOSITY terse
CREATE VIEW all_indexes AS
	SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'parley' AND tablename NOT LIKE 'bulk_load%';
CREATE TABLE indexes_before AS SELECT * FROM all_indexes;

SELECT count(*) FROM parley.bulk_load_indexes;
SELECT parley.begin_bulk_load('one') IS NOT NULL AS began;

-- what a foreign key relies on stays
SELECT indexname FROM all_indexes WHERE indexname ~ '^(contacts|conversations|members|messages)_' ORDER BY 1;
SELECT indexname FROM indexes_before EXCEPT SELECT indexname FROM all_indexes EXCEPT SELECT name FROM parley.bulk_load_indexes;
SELECT name, definition FROM parley.bulk_load_indexes WHERE name IN ('messages_pkey', 'messages_grams') ORDER BY 1;

-- taken over, it is still one load, and knows as much
SELECT parley.build_bulk_load_index('messages_pkey');
SELECT parley.begin_bulk_load('two') IS NOT NULL AS began;
SELECT source, finished_at IS NULL AS unfinished FROM parley.bulk_loads WHERE source IN ('one', 'two');

-- an index that is there already, as after a restore, is no obstacle
SELECT definition FROM parley.bulk_load_indexes WHERE name = 'members_contact' \gexec
SELECT parley.finish_bulk_load();
SELECT * FROM all_indexes EXCEPT SELECT * FROM indexes_before;
SELECT * FROM indexes_before EXCEPT SELECT * FROM all_indexes;
SELECT count(*) FROM parley.bulk_load_indexes;
SELECT source, finished_at IS NULL AS unfinished FROM parley.bulk_loads WHERE source IN ('one', 'two');

-- what is not remembered is not built; finishing nothing is harmless
SELECT parley.build_bulk_load_index('no_such_index');
SELECT parley.finish_bulk_load();

-- rows that an index forbids keep the load unfinished, until they are put right
SELECT parley.begin_bulk_load('three') IS NOT NULL AS began;
INSERT INTO parley.contacts (phone) VALUES ('+99 00 1112222'), ('99001112222');
SELECT parley.finish_bulk_load();
SELECT source, finished_at IS NULL AS unfinished FROM parley.bulk_loads WHERE source = 'three';
DELETE FROM parley.contacts WHERE phone = '99001112222';
SELECT parley.finish_bulk_load();
SELECT * FROM indexes_before EXCEPT SELECT * FROM all_indexes;

-- nobody else may
SET ROLE parley_operator;
SELECT parley.begin_bulk_load('four');
SELECT parley.finish_bulk_load();
RESET ROLE;

DELETE FROM parley.contacts WHERE phone = '+99 00 1112222';
DROP TABLE indexes_before;
DROP VIEW all_indexes;
