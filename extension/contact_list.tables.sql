-- contact_list: the type of its result.

CREATE TYPE parley.listed_contact AS (
	id bigint, name text, phone text, email text, created_at timestamptz, attributes jsonb, similarity real, next_cursor text
);
COMMENT ON TYPE parley.listed_contact IS 'a contact, and how similar its name is to the search term; 1 if it matches exactly';
