-- tour: what docs/tour.md shows. A test compares the two.
SET search_path = parley, public;
-- one_conversation_for_two_people
SELECT id AS ann FROM create_user('+49 30 555 0101', 'Ann Tour') \gset
SELECT id AS bob FROM create_user('+49 30 555 0102', 'Bob Tour') \gset
SELECT kind, created FROM open_direct_conversation(:ann, phone => '(49) 30 5550102');
SELECT id AS chat, created AS made_again FROM open_direct_conversation(:bob, recipient_id => :ann) \gset
SELECT :'made_again' AS made_again;
-- numbers_without_gaps_and_keys
SELECT message_id, content, replayed FROM post_user_message(:chat, 'Did you see „Straße der Lieder“?', :ann, 'key-1');
SELECT message_id, content, replayed FROM post_user_message(:chat, 'Did you see „Straße der Lieder“?', :ann, 'key-1');
SELECT message_id, content FROM post_user_message(:chat, 'Yes, 100% worth it: 映画はよかった 🎬', :bob);
SELECT message_id, content FROM post_user_message(:chat, 'Tickets were 12 euros.', :bob);
-- search_as_ilike_would_answer
SELECT message_id, name, content FROM list_user_conversations(:ann, 'DID you see');
SELECT message_id, name, content FROM list_user_conversations(:ann, 'straße der');
SELECT message_id, content FROM list_user_conversations(:ann, '画');
SELECT message_id, content FROM list_user_conversations(:ann, '100%');
SELECT message_id, name FROM list_user_conversations(:ann, 'bob t');
SELECT message_id, name FROM list_user_conversations(:ann, '+49 (30) 555-01 02');
-- sync_says_what_is_new_and_nothing_twice
SELECT cursor, json_array_length(messages) AS messages, more FROM sync(:bob) \gset
SELECT :messages AS messages, :'more' AS more;
SELECT message_id, content FROM edit_user_message(:ann, :chat, 1, 'Did you see „Straße der Träume“?');
SELECT m ->> 'message_id' AS message, m ->> 'content' AS content, m ->> 'edited_at' IS NOT NULL AS edited
FROM sync(:bob, :'cursor'), json_array_elements(messages) m;
SELECT unread FROM mark_read(:bob, :chat, 2);
-- money_that_comes_from_somewhere
SELECT id AS ann_euros FROM open_account(:ann, 'EUR', 'purse') \gset
SELECT id AS bob_euros FROM open_account(:bob, 'EUR', 'purse') \gset
SELECT amount, balance FROM post_transaction(:ann, :ann_euros, 5000, 'paid in');
SELECT message_id, from_transaction ->> 'balance' AS ann_has, to_transaction ->> 'amount' AS bob_got
FROM post_transfer(:ann, :ann_euros, :bob, :bob_euros, 1200, 'tickets', conversation_id => :chat, idempotency_key => 'pay-1');
SELECT message_id, content FROM list_user_messages(:bob, :chat, last_id => 3);
SELECT refused, refused_detail FROM post_transaction(:ann, :ann_euros, -999999, 'a yacht', idempotency_key => 'pay-2');
SELECT number, amount, balance, memo FROM transactions WHERE user_id = :ann ORDER BY number;
DELETE FROM transactions WHERE user_id = :ann;
SELECT currency, difference FROM trial_balance() WHERE currency = 'EUR';
-- audits_find_nothing
SELECT * FROM audit_conversations();
SELECT * FROM audit_ledger();
-- an_endpoint_is_a_function_and_a_row
CREATE FUNCTION public.shout(text text) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
RETURN upper(text) || '!';
SELECT add_route('GET', '/shout/{text}', 'public.shout', 'none');
SELECT method, path, function, auth, statement FROM describe_routes() WHERE path = '/shout/{text}';
SELECT function, description FROM help() WHERE module = 'agents';
DELETE FROM routes WHERE path = '/shout/{text}';
DROP FUNCTION public.shout(text);
