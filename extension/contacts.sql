-- contacts: creating, changing and finding them.

CREATE FUNCTION parley.clean_phone(phone parley.phone_number) RETURNS parley.phone_number
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN btrim(regexp_replace(regexp_replace(regexp_replace(phone::text, 'tel:|[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]', '', 'gi'),
	'[\u00a0\u2000-\u200a\u202f\u205f\u3000]', ' ', 'g'), '[\u2010-\u2015\u2212]', '-', 'g'))::parley.phone_number;
COMMENT ON FUNCTION parley.clean_phone(parley.phone_number) IS
	'returns a pasted phone in plain characters: without tel: and invisible marks, with plain blanks and hyphens';

CREATE FUNCTION parley.insert_contact(
	name parley.person_name, phone parley.phone_number, email parley.email_address, registered_at timestamptz,
	attributes parley.contact_attributes DEFAULT NULL)
RETURNS parley.contact
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	made parley.contact;
BEGIN
	-- If someone else inserts the same phone at the same time, wait for their commit, and then fail.
	INSERT INTO parley.contacts AS c (name, phone, email, registered_at, attributes)
		VALUES (insert_contact.name, parley.clean_phone(insert_contact.phone), insert_contact.email, insert_contact.registered_at,
			coalesce(insert_contact.attributes, '{}'))
		ON CONFLICT DO NOTHING
		RETURNING c.id, c.name, c.phone, c.email, c.created_at, c.attributes INTO made;
	-- The errors do not contain the values, which would end up in the server's log.
	IF made.id IS NULL AND EXISTS (SELECT FROM parley.contacts c WHERE c.phone_digits = parley.phone_digits(insert_contact.phone)) THEN
		RAISE EXCEPTION 'phone is taken' USING ERRCODE = 'unique_violation', COLUMN = 'phone';
	ELSIF made.id IS NULL AND EXISTS (SELECT FROM parley.contacts c WHERE lower(c.email) = lower(insert_contact.email)) THEN
		RAISE EXCEPTION 'email is taken' USING ERRCODE = 'unique_violation', COLUMN = 'email';
	END IF;
	PERFORM parley.require_new_id(made.id, 'contact');
	RETURN made;
END $$;
COMMENT ON FUNCTION parley.insert_contact(
	parley.person_name, parley.phone_number, parley.email_address, timestamptz, parley.contact_attributes) IS
	'Creates a contact or, with registered_at, a user. Errors: 23505 phone or email taken.';

CREATE FUNCTION parley.create_contact(
	name parley.person_name DEFAULT NULL, phone parley.phone_number DEFAULT NULL, email parley.email_address DEFAULT NULL,
	attributes parley.contact_attributes DEFAULT NULL)
RETURNS parley.contact
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF num_nonnulls(name, phone, email) = 0 THEN
		RAISE EXCEPTION 'a contact needs a name, a phone or an email'
			USING ERRCODE = 'null_value_not_allowed', COLUMN = 'phone';
	END IF;
	RETURN parley.insert_contact(name, phone, email, NULL, attributes);
END $$;
COMMENT ON FUNCTION parley.create_contact(parley.person_name, parley.phone_number, parley.email_address, parley.contact_attributes) IS
	'Creates a contact from at least one of name, phone and email. Phones are compared by their digits, emails without regard to '
	'case. Errors: 22004 nothing given, 23505 phone or email taken.';

CREATE FUNCTION parley.current_contact_id(contact_id bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	current_id bigint := (SELECT coalesce(c.merged_into_id, c.id) FROM parley.contacts c WHERE c.id = contact_id);
BEGIN
	IF current_id IS NULL THEN
		RAISE EXCEPTION 'contact % does not exist', contact_id USING ERRCODE = 'no_data_found';
	END IF;
	RETURN current_id;
END $$;
COMMENT ON FUNCTION parley.current_contact_id(bigint) IS
	'Returns the id of a contact, or of the contact into whom it was merged. Errors: P0002 no such contact.';

CREATE FUNCTION parley.lock_contact(contact_id bigint) RETURNS parley.contacts
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	current_id bigint;
	contact parley.contacts;
BEGIN
	LOOP
		current_id := parley.current_contact_id(contact_id);
		SELECT * INTO contact FROM parley.contacts c WHERE c.id = current_id FOR UPDATE;
		-- It was merged while we were waiting: continue with the contact into whom it was merged.
		EXIT WHEN contact.merged_into_id IS NULL;
	END LOOP;
	IF contact.erased_at IS NOT NULL THEN
		RAISE EXCEPTION 'contact % is erased', contact.id USING ERRCODE = 'PY409', COLUMN = 'contact_id';
	END IF;
	RETURN contact;
END $$;
COMMENT ON FUNCTION parley.lock_contact(bigint) IS
	'Returns the row of a contact, or of the contact into whom it was merged, locked for a change. Errors: P0002 no such contact, '
	'PY409 erased.';

CREATE FUNCTION parley.change_contact(
	contact_id bigint, name parley.person_name DEFAULT NULL, phone parley.phone_number DEFAULT NULL,
	email parley.email_address DEFAULT NULL, attributes parley.contact_attributes DEFAULT NULL, null_fields text[] DEFAULT NULL)
RETURNS parley.contact
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	contact parley.contacts;
	violated text;
BEGIN
	contact := parley.lock_contact(contact_id);
	contact.name := CASE WHEN 'name' = ANY (null_fields) THEN NULL ELSE coalesce(name, contact.name) END;
	contact.phone := CASE WHEN 'phone' = ANY (null_fields) THEN NULL ELSE coalesce(parley.clean_phone(phone), contact.phone) END;
	contact.email := CASE WHEN 'email' = ANY (null_fields) THEN NULL ELSE coalesce(email, contact.email) END;
	contact.attributes := CASE WHEN 'attributes' = ANY (null_fields) THEN '{}' ELSE coalesce(attributes, contact.attributes) END;
	IF num_nonnulls(contact.name, contact.phone, contact.email) = 0 THEN
		RAISE EXCEPTION 'a contact needs a name, a phone or an email' USING ERRCODE = 'null_value_not_allowed', COLUMN = null_fields[1];
	END IF;
	UPDATE parley.contacts c
		SET name = contact.name, phone = contact.phone, email = contact.email, attributes = contact.attributes
		WHERE c.id = contact.id;
	RETURN parley.get_contact(contact.id);
EXCEPTION WHEN unique_violation THEN
	GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
	violated := substring(violated FROM '^contacts_(phone|email)_(?:digits_)?key$');
	IF violated IS NULL THEN
		RAISE;
	END IF;
	RAISE EXCEPTION '% is taken', violated USING ERRCODE = 'unique_violation', COLUMN = violated;
END $$;
COMMENT ON FUNCTION parley.change_contact(
	bigint, parley.person_name, parley.phone_number, parley.email_address, parley.contact_attributes, text[]) IS
	'Changes a contact. Missing fields do not change, those in null_fields (null in JSON) are removed, and attributes are replaced '
	'as a whole. Lists and searches show the change when it commits. Errors: P0002 no such contact, 22004 nothing would be left, '
	'23505 phone or email taken.';

CREATE FUNCTION parley.register_contact(contact_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE parley.contacts c SET registered_at = coalesce(c.registered_at, now()) WHERE c.id = register_contact.contact_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'contact % does not exist', contact_id USING ERRCODE = 'no_data_found';
	END IF;
END $$;
COMMENT ON FUNCTION parley.register_contact(bigint) IS
	'Turns a contact that the operator entered into a user, whom other users can then reach. Errors: P0002 no such contact.';

CREATE FUNCTION parley.get_contact(contact_id bigint) RETURNS parley.contact
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	current_id bigint := parley.current_contact_id(contact_id);
	found_contact parley.contact;
BEGIN
	SELECT c.id, c.name, c.phone, c.email, c.created_at, c.attributes INTO found_contact
		FROM parley.contacts c WHERE c.id = current_id;
	RETURN found_contact;
END $$;
COMMENT ON FUNCTION parley.get_contact(bigint) IS 'Returns the contact with that id. Errors: P0002 no such contact.';
