-- contacts: creation and lookup.

CREATE FUNCTION parley.create_contact(
	name parley.person_name DEFAULT NULL, phone parley.phone_number DEFAULT NULL, email parley.email_address DEFAULT NULL)
RETURNS parley.contact
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	made parley.contact;
BEGIN
	IF num_nonnulls(name, phone, email) = 0 THEN
		RAISE EXCEPTION 'a contact needs a name, a phone or an email'
			USING ERRCODE = 'null_value_not_allowed', COLUMN = 'phone';
	END IF;
	-- Whoever inserts the same phone at the same instant waits here for the other's commit, and is then told.
	INSERT INTO parley.contacts AS c (name, phone, email)
		VALUES (create_contact.name, create_contact.phone, create_contact.email)
		ON CONFLICT DO NOTHING
		RETURNING c.id, c.name, c.phone, c.email, c.created_at INTO made;
	IF made.id IS NULL AND EXISTS (SELECT FROM parley.contacts c WHERE c.phone_digits = parley.phone_digits(create_contact.phone)) THEN
		RAISE EXCEPTION 'phone % is taken', create_contact.phone USING ERRCODE = 'unique_violation', COLUMN = 'phone';
	ELSIF made.id IS NULL AND EXISTS (SELECT FROM parley.contacts c WHERE lower(c.email) = lower(create_contact.email)) THEN
		RAISE EXCEPTION 'email % is taken', create_contact.email USING ERRCODE = 'unique_violation', COLUMN = 'email';
	ELSIF made.id IS NULL THEN
		RAISE EXCEPTION 'the next contact id is taken' USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'Contacts were loaded past their sequence: set parley.contacts_id_seq to the largest id.';
	END IF;
	RETURN made;
END $$;
COMMENT ON FUNCTION parley.create_contact(parley.person_name, parley.phone_number, parley.email_address) IS
	'Creates a contact from at least one of name, phone and email. Phones are compared by their digits, emails without case. '
	'Errors: 22004 nothing given, 23505 phone or email taken.';

CREATE FUNCTION parley.get_contact(contact_id bigint) RETURNS parley.contact
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_contact parley.contact;
BEGIN
	SELECT c.id, c.name, c.phone, c.email, c.created_at INTO found_contact
		FROM parley.contacts c WHERE c.id = get_contact.contact_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no contact %', contact_id USING ERRCODE = 'no_data_found';
	END IF;
	RETURN found_contact;
END $$;
COMMENT ON FUNCTION parley.get_contact(bigint) IS 'The contact of that id. Errors: P0002 no such contact.';
