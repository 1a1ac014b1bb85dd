-- contacts: each has at least one of name, phone and email; phones are unique by digits, emails without regard to case.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT (c).name, (c).phone, (c).email, (c).created_at IS NOT NULL AS dated
	FROM parley.create_contact('Ana Contacts', '+1 (700) 555-0001', 'Ana@Contacts.example') c;
SELECT id AS ana FROM parley.contacts WHERE phone_digits = '17005550001' \gset
SELECT name, phone, email FROM parley.get_contact(:ana);

-- a_contact_needs_one_way_to_be_known
SELECT parley.create_contact();
SELECT (parley.create_contact(name => 'Only A Name')).phone;
SELECT (parley.create_contact(email => 'only@contacts.example')).name;

-- phone_is_compared_by_digits_and_kept_as_given
SELECT parley.create_contact('Twin', '1-700-555-0001');
SELECT parley.create_contact('Twin', '17005550001');

-- email_is_compared_without_case
SELECT parley.create_contact('Twin', NULL, 'aNA@contacts.EXAMPLE');

-- the_error_names_its_field_and_code
\set VERBOSITY sqlstate
SELECT parley.create_contact('Twin', '17005550001');
SELECT parley.get_contact(-1);
\set VERBOSITY terse
SELECT parley.get_contact(-1);

-- an_invalid_phone_email_or_name_is_refused
SELECT parley.create_contact(phone => '123456');
SELECT parley.create_contact(phone => '1234567890123456');
SELECT parley.create_contact(phone => '555-CALL-NOW-1');
SELECT parley.create_contact(phone => '٣٤٥٦٧٨٩٠');
SELECT parley.create_contact(email => 'nobody');
SELECT parley.create_contact(email => 'a b@contacts.example');
SELECT parley.create_contact(name => '');
SELECT parley.create_contact(name => repeat('x', 201));
SELECT length((parley.create_contact(name => repeat('é', 200))).name);

-- a_phone_is_accepted_as_pasted, and stored in plain characters
SELECT phone FROM parley.create_contact(phone => 'tel:+1-700-555-0101');
SELECT phone FROM parley.create_contact(phone => U&'+1\00A0(700)\202F555\20110102');
SELECT phone FROM parley.create_contact(phone => U&'\202A\200E+1 700 555 0103\202C');
SELECT phone FROM parley.create_contact(phone => ' TEL:700.555.0104 ');
SELECT parley.create_contact(phone => U&'1\00A0700\00A0555\00A00101');
SELECT parley.create_contact(phone => 'tel:+1-700-555-0105;ext=7');
SELECT parley.create_contact(phone => '1+7005550106');

-- a phone has 7 to 15 digits
SELECT (parley.create_contact(phone => '700 0001')).phone, (parley.create_contact(phone => '+700 000 000 000 001')).phone;

-- missing_fields_stay, and those in null_fields are removed
SELECT id AS ben FROM parley.create_contact('Ben Contacts', '+1 700 555 0201', 'ben@contacts.example', '{"plan": "gold"}') \gset
SELECT name, phone, email, attributes FROM parley.change_contact(:ben, name => 'Benno Contacts');
SELECT name, phone, email, attributes FROM parley.change_contact(:ben, phone => 'tel:+1-700-555-0202', null_fields => '{email,attributes}');
SELECT name, phone, email, attributes FROM parley.change_contact(:ben, attributes => '{"plan": null, "since": [2020]}', null_fields => '{name}');
SELECT parley.change_contact(:ben) = parley.get_contact(:ben) AS the_same;

-- a_change_must_leave_one_way_to_be_known, and can only take a phone or email that is free
SELECT parley.change_contact(:ben, null_fields => '{phone}');
SELECT parley.change_contact(:ben, phone => '1 (700) 555-0001');
SELECT parley.change_contact(:ben, email => 'ANA@contacts.example');
SELECT phone FROM parley.change_contact(:ben, phone => '1-700-555-0202');
SELECT parley.change_contact(-1, name => 'Nobody');

-- attributes_are_an_object_of_8_kB
SELECT parley.create_contact('Listed', attributes => '[1]');
SELECT parley.create_contact('Long', attributes => jsonb_build_object('a', repeat('x', 8192)));
SELECT octet_length((parley.create_contact('As Long As It Gets', attributes => jsonb_build_object('a', repeat('x', 8183)))).attributes::text);

-- a_contact_is_found_by_what_it_is_called_now, by the operator and by users
SELECT id AS cat FROM parley.create_user('+1 700 555 0301', 'Catherine Contacts') \gset
SELECT id AS dan FROM parley.create_user('+1 700 555 0302', 'Daniel Contacts') \gset
SELECT id AS talk FROM parley.open_direct_conversation(:cat, :dan) \gset
SELECT id AS letters FROM parley.open_contact_conversation(:cat) \gset
SELECT count(*) FROM parley.post_user_message(:talk, 'hello', :cat), parley.post_message(:letters, 'hello');
CREATE FUNCTION pg_temp.found(term text, cat bigint, dan bigint, OUT of_operator bigint, OUT of_user bigint, OUT contacts bigint) LANGUAGE sql AS $$
	SELECT (SELECT count(*) FROM parley.list_conversations(term)), (SELECT count(*) FROM parley.list_user_conversations(dan, term)),
		(SELECT count(*) FROM parley.list_contacts(term) WHERE id = cat AND similarity = 1) $$;
SELECT term, f.* FROM unnest(ARRAY['catherine con', '555 0301', 'zoë contacts', '555 0399']) term, pg_temp.found(term, :cat, :dan) f;
SELECT xmin::text AS before FROM parley.conversations WHERE id = :letters \gset
SELECT name, phone FROM parley.change_contact(:cat, 'Zoë Contacts', '+1 700 555 0399');
SELECT term, f.* FROM unnest(ARRAY['catherine con', '555 0301', 'zoë contacts', '555 0399']) term, pg_temp.found(term, :cat, :dan) f;

-- who_follows_the_list_is_told, but not of what it does not show
SELECT xmin::text <> :'before' AS told_of_a_name FROM parley.conversations WHERE id = :letters;
SELECT xmin::text AS before FROM parley.conversations WHERE id = :letters \gset
SELECT email FROM parley.change_contact(:cat, email => 'cat@contacts.example', attributes => '{"plan": "silver"}');
SELECT xmin::text <> :'before' AS told_of_an_email FROM parley.conversations WHERE id = :letters;

-- a_user_is_not_shown_what_the_operator_notes
SELECT to_jsonb(parley.create_user('+1 700 555 0398', 'Noted')) ? 'attributes' AS on_registration, to_jsonb(u) ? 'attributes' AS later
	FROM parley.get_user(:cat) u;

-- a_sequence_behind_its_table_is_reported_as_such
BEGIN;
SELECT setval('parley.contacts_id_seq', :ana, false) = :ana AS behind;
SELECT parley.create_contact('Late');
ROLLBACK;
SELECT setval('parley.contacts_id_seq', (SELECT max(id) FROM parley.contacts)) > :ana AS ahead;
