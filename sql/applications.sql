-- applications: identified by their token; chats are numbered in them, messages in the chats. No internal id appears in any
-- result or error.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT token AS app, name, chats_count, replayed FROM parley.create_application('Applications A') \gset
SELECT :'name' AS name, :chats_count AS chats_count, :'replayed' AS replayed;
SELECT token AS other FROM parley.create_application('Applications B') \gset

-- tokens_are_192_random_bits_in_url_safe_text
SELECT :'app' ~ '^[A-Za-z0-9_-]{32}$' AS safe, :'app' <> :'other' AS different;
SELECT count(DISTINCT parley.random_token()) FROM generate_series(1, 1000);
-- … with_all_64_characters_at_every_position
SELECT bool_and(seen = 64) FROM (SELECT count(DISTINCT substr(t, p, 1)) AS seen
	FROM (SELECT parley.random_token() AS t FROM generate_series(1, 2000)) r, generate_series(1, 32) p GROUP BY p) s;

-- a_key_makes_one_application
SELECT token AS keyed, replayed FROM parley.create_application('Keyed', 'applications-1') \gset
SELECT token = :'keyed' AS same, name, replayed FROM parley.create_application('Keyed', 'applications-1');
SELECT parley.create_application('Other', 'applications-1');
SELECT name, updated_at > created_at AS updated FROM parley.rename_application(:'keyed', 'Renamed');
SELECT token = :'keyed' AS same, name, replayed FROM parley.create_application('Keyed', 'applications-1');

-- a_name_has_1_to_200_characters
SELECT parley.create_application('');
SELECT parley.create_application(repeat('x', 201));
SELECT parley.create_application(NULL);
SELECT name FROM parley.rename_application(:'app', 'Applications A2');
SELECT parley.rename_application('nobody', 'x');

-- chats_and_messages_are_numbered_from_1
SELECT number, messages_count, updated_at = created_at AS fresh, replayed FROM parley.create_chat(:'app');
SELECT number FROM parley.create_chat(:'app', 'chat key');
SELECT number, replayed FROM parley.create_chat(:'app', 'chat key');
SELECT number, replayed FROM parley.create_chat(:'other', 'chat key');
SELECT number, content, updated_at = created_at AS fresh, replayed FROM parley.post_chat_message(:'app', 2, 'Hello World');
SELECT number, replayed FROM parley.post_chat_message(:'app', 2, '100% _sure_ \o/', 'message key');
SELECT number, replayed FROM parley.post_chat_message(:'app', 2, '100% _sure_ \o/', 'message key');
SELECT parley.post_chat_message(:'app', 2, 'something else', 'message key');
SELECT number FROM parley.post_chat_message(:'app', 1, 'elsewhere, hello');
SELECT number FROM parley.post_chat_message(:'other', 1, 'another application, hello');
SELECT name, chats_count FROM parley.get_application(:'app');
SELECT number, messages_count, updated_at > created_at AS updated FROM parley.get_chat(:'app', 2);

-- lists_and_pages
SELECT max((parley.create_chat(:'app')).number) FROM generate_series(1, 5);
SELECT number, messages_count, next_page FROM parley.list_chats(:'app', "limit" => 3);
SELECT number, next_page FROM parley.list_chats(:'app', 3, 3);
SELECT number, next_page FROM parley.list_chats(:'app', 4, 3);
SELECT number, next_page FROM parley.list_chats(:'app', 2147483647, 200);
SELECT count(*) > 2 AS has_three, count(*) FILTER (WHERE token = :'app') AS mine FROM parley.list_applications("limit" => 200);
SELECT count(*), max(next_page) FROM parley.list_applications(1, 2);
SELECT number, content FROM parley.list_chat_messages(:'app', 2, sort => 'desc');
SELECT number, next_last_id FROM parley.list_chat_messages(:'app', 2, "limit" => 1);
SELECT content FROM parley.get_chat_message(:'app', 2, 1);

-- an_edited_message_is_found_by_its_new_words_and_not_by_its_old_ones
SELECT number FROM parley.search_chat(:'app', 2, 'WORL');
SELECT number, content, updated_at > created_at AS updated FROM parley.edit_chat_message(:'app', 2, 1, 'Hello Moon');
SELECT number FROM parley.search_chat(:'app', 2, 'WORL');
SELECT number, content FROM parley.search_chat(:'app', 2, 'moon');

-- a_search_is_within_one_chat: any part of a word, no character is special
SELECT number FROM parley.search_chat(:'app', 2, 'ell');
SELECT number FROM parley.search_chat(:'app', 2, '%');
SELECT number FROM parley.search_chat(:'app', 2, '_');
SELECT number FROM parley.search_chat(:'app', 2, '\');
SELECT number FROM parley.search_chat(:'app', 2, '0% _S');
SELECT number FROM parley.search_chat(:'app', 2, 'h%o');
SELECT number FROM parley.search_chat(:'app', 2, '');
SELECT max((parley.post_chat_message(:'app', 2, CASE WHEN n % 2 = 0 THEN 'even ' ELSE 'odd ' END || n)).number) FROM generate_series(3, 12) n;
SELECT number, next_last_id FROM parley.search_chat(:'app', 2, 'EVEN', 2);
SELECT number, next_last_id FROM parley.search_chat(:'app', 2, 'even', 2, 10);
SELECT number, next_last_id FROM parley.search_chat(:'app', 2, 'even', 2, 6);

-- a_token_is_exchanged_for_a_new_one_of_the_same_shard, and the old one stops working
SELECT token AS turned FROM parley.create_application('Turned', 'applications-turned') \gset
SELECT number FROM parley.create_chat(:'turned');
SELECT token AS new, chats_count FROM parley.rotate_token(:'turned') \gset
SELECT :'new' <> :'turned' AS other, parley.token_shard(:'new') = parley.token_shard(:'turned') AS same_shard, :chats_count AS chats_count;
SELECT number FROM parley.get_chat(:'new', 1);
SELECT parley.get_chat(:'turned', 1);
SELECT parley.rotate_token(:'turned');
SELECT token = :'new' AS new, replayed FROM parley.create_application('Turned', 'applications-turned');
-- … and_revoked
SELECT parley.revoke_application(:'new');
SELECT parley.get_application(:'new');
SELECT parley.post_chat_message(:'new', 1, 'x');
SELECT parley.revoke_application(:'new');
SELECT parley.create_application('Turned', 'applications-turned');
SELECT count(*) FROM parley.list_applications("limit" => 200) WHERE name = 'Turned' OR token IS NULL;
SELECT count(*) FROM parley.audit_shards();

-- unknown_tokens_and_numbers_look_alike
SELECT parley.get_application('nobody');
SELECT parley.get_application('');
SELECT parley.get_application(repeat('x', 5000));
SELECT parley.create_chat('nobody');
SELECT parley.create_chat('nobody', 'key');
SELECT parley.list_chats('nobody');
SELECT parley.get_chat('nobody', 1);
SELECT parley.get_chat(:'other', 2);
SELECT parley.post_chat_message('nobody', 1, 'x');
SELECT parley.post_chat_message(:'app', 99, 'x');
SELECT parley.list_chat_messages(:'app', 99);
SELECT parley.get_chat_message(:'app', 2, 99);
SELECT parley.edit_chat_message(:'app', 2, 1, NULL);
SELECT parley.edit_chat_message(:'app', 2, 99, 'x');
SELECT parley.edit_chat_message('nobody', 2, 1, 'x');
SELECT parley.search_chat(:'app', 99, 'x');
SELECT parley.post_chat_message(:'app', 2, '');

-- chats_are_not_in_the_list_of_conversations
SELECT count(*) FROM parley.recent_conversations('another application, hello');
SELECT * FROM parley.audit_conversations();

-- a_search_reads_the_chat_from_its_end
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT * FROM (SELECT * FROM parley.messages n WHERE n.conversation_id = 1 AND n.number < 9 ORDER BY n.number DESC OFFSET 0) m
	WHERE m.content ILIKE '%needle%' LIMIT 51;
RESET enable_seqscan;
RESET enable_bitmapscan;

-- a_post_in_a_chat_writes_no_index_entry_of_the_conversation
BEGIN;
SELECT token AS crowded FROM parley.create_application('crowded') \gset
SELECT number FROM parley.create_chat(:'crowded');
SELECT pg_stat_get_xact_tuples_hot_updated('parley.conversations'::regclass) AS before \gset
SELECT count(parley.post_chat_message(:'crowded', 1, 'm' || n)) FROM generate_series(1, 5) n;
SELECT pg_stat_get_xact_tuples_hot_updated('parley.conversations'::regclass) - :before AS heap_only;
SELECT last_number, last_message_at IS NOT NULL AS has_time, listed_at, has_unread FROM parley.conversations c
	JOIN parley.applications a ON a.id = c.application_id WHERE a.token = :'crowded';
ROLLBACK;
