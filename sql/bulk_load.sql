-- A bulk load drops indexes and builds the same ones again. It remembers in between which are missing, and another run can take
-- it over.
\set VERBOSITY terse
CREATE VIEW all_indexes AS
	SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'parley' AND tablename NOT LIKE 'bulk_load%';
CREATE TABLE indexes_before AS SELECT * FROM all_indexes;

SELECT count(*) FROM parley.bulk_load_indexes;
SELECT parley.begin_bulk_load('one') IS NOT NULL AS began;

-- indexes_that_a_foreign_key_needs_stay
SELECT indexname FROM all_indexes WHERE indexname ~ '^(contacts|conversations|members|messages)_' ORDER BY 1;
SELECT indexname FROM indexes_before EXCEPT SELECT indexname FROM all_indexes EXCEPT SELECT name FROM parley.bulk_load_indexes;
SELECT name, definition FROM parley.bulk_load_indexes WHERE name IN ('messages_pkey', 'messages_grams') ORDER BY 1;

-- a_load_that_is_taken_over_is_still_one_load_and_remembers_as_much
SELECT parley.build_bulk_load_index('messages_pkey');
SELECT parley.begin_bulk_load('two') IS NOT NULL AS began;
SELECT source, finished_at IS NULL AS unfinished FROM parley.bulk_loads WHERE source IN ('one', 'two');

-- an_index_that_already_exists_does_no_harm, as after a restore
SELECT definition FROM parley.bulk_load_indexes WHERE name = 'members_contact' \gexec
SELECT parley.finish_bulk_load();
SELECT * FROM all_indexes EXCEPT SELECT * FROM indexes_before;
SELECT * FROM indexes_before EXCEPT SELECT * FROM all_indexes;
SELECT count(*) FROM parley.bulk_load_indexes;
SELECT source, finished_at IS NULL AS unfinished FROM parley.bulk_loads WHERE source IN ('one', 'two');

-- an_index_that_is_not_remembered_is_not_built; finishing nothing is harmless
SELECT parley.build_bulk_load_index('no_such_index');
SELECT parley.finish_bulk_load();

-- rows_that_violate_an_index_keep_the_load_unfinished until they are corrected
SELECT parley.begin_bulk_load('three') IS NOT NULL AS began;
INSERT INTO parley.contacts (phone) VALUES ('+99 00 1112222'), ('99001112222');
SELECT parley.finish_bulk_load();
SELECT source, finished_at IS NULL AS unfinished FROM parley.bulk_loads WHERE source = 'three';
DELETE FROM parley.contacts WHERE phone = '99001112222';
SELECT parley.finish_bulk_load();
SELECT * FROM indexes_before EXCEPT SELECT * FROM all_indexes;

-- nobody_else_may_load
SET ROLE parley_operator;
SELECT parley.begin_bulk_load('four');
SELECT parley.finish_bulk_load();
RESET ROLE;

DELETE FROM parley.contacts WHERE phone = '+99 00 1112222';
DROP TABLE indexes_before;
DROP VIEW all_indexes;
