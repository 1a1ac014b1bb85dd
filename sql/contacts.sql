-- contacts: reachable by at least one of name, phone and email; phones unique by digits, emails without case.
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

-- what_is_no_phone_email_or_name_is_refused
SELECT parley.create_contact(phone => '123456');
SELECT parley.create_contact(phone => '1234567890123456');
SELECT parley.create_contact(phone => '555-CALL-NOW-1');
SELECT parley.create_contact(phone => '٣٤٥٦٧٨٩٠');
SELECT parley.create_contact(email => 'nobody');
SELECT parley.create_contact(email => 'a b@contacts.example');
SELECT parley.create_contact(name => '');
SELECT parley.create_contact(name => repeat('x', 201));
SELECT length((parley.create_contact(name => repeat('é', 200))).name);

-- a_phone_is_taken_as_it_was_pasted, and kept in plain characters
SELECT phone FROM parley.create_contact(phone => 'tel:+1-700-555-0101');
SELECT phone FROM parley.create_contact(phone => U&'+1\00A0(700)\202F555\20110102');
SELECT phone FROM parley.create_contact(phone => U&'\202A\200E+1 700 555 0103\202C');
SELECT phone FROM parley.create_contact(phone => ' TEL:700.555.0104 ');
SELECT parley.create_contact(phone => U&'1\00A0700\00A0555\00A00101');
SELECT parley.create_contact(phone => 'tel:+1-700-555-0105;ext=7');
SELECT parley.create_contact(phone => '1+7005550106');

-- a phone of 7 and one of 15 digits are as short and as long as they get
SELECT (parley.create_contact(phone => '700 0001')).phone, (parley.create_contact(phone => '+700 000 000 000 001')).phone;

-- a_sequence_behind_its_table_is_named_as_that
BEGIN;
SELECT setval('parley.contacts_id_seq', :ana, false) = :ana AS behind;
SELECT parley.create_contact('Late');
ROLLBACK;
SELECT setval('parley.contacts_id_seq', (SELECT max(id) FROM parley.contacts)) > :ana AS ahead;
