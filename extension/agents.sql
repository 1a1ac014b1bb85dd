-- agents: creating, changing and listing them.

CREATE FUNCTION parley.create_agent(name parley.person_name, email parley.email_address) RETURNS parley.agent
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	made parley.agent;
BEGIN
	INSERT INTO parley.agents AS a (name, email) VALUES (create_agent.name, create_agent.email)
		ON CONFLICT DO NOTHING
		RETURNING a.id, a.name, a.email, a.created_at, a.disabled_at INTO made;
	IF made.id IS NULL AND EXISTS (SELECT FROM parley.agents a WHERE lower(a.email) = lower(create_agent.email)) THEN
		RAISE EXCEPTION 'email is taken' USING ERRCODE = 'unique_violation', COLUMN = 'email';
	END IF;
	PERFORM parley.require_new_id(made.id, 'agent');
	RETURN made;
END $$;
COMMENT ON FUNCTION parley.create_agent(parley.person_name, parley.email_address) IS
	'Creates an agent. Emails are compared without regard to case. Errors: 23502 no name or email, 23505 email taken.';

CREATE FUNCTION parley.change_agent(
	agent_id bigint, name parley.person_name DEFAULT NULL, email parley.email_address DEFAULT NULL, disabled boolean DEFAULT NULL)
RETURNS parley.agent
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed parley.agent;
BEGIN
	UPDATE parley.agents a SET
			name = coalesce(change_agent.name, a.name),
			email = coalesce(change_agent.email, a.email),
			disabled_at = CASE WHEN disabled THEN coalesce(a.disabled_at, clock_timestamp()) WHEN NOT disabled THEN NULL ELSE a.disabled_at END
		WHERE a.id = agent_id
		RETURNING a.id, a.name, a.email, a.created_at, a.disabled_at INTO changed;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'agent % does not exist', agent_id USING ERRCODE = 'no_data_found', COLUMN = 'agent_id';
	END IF;
	RETURN changed;
EXCEPTION WHEN unique_violation THEN
	-- Apart from the id, which does not change, only the email is unique.
	RAISE EXCEPTION 'email is taken' USING ERRCODE = 'unique_violation', COLUMN = 'email';
END $$;
COMMENT ON FUNCTION parley.change_agent(bigint, parley.person_name, parley.email_address, boolean) IS
	'Changes an agent''s name or email, or disables or enables the agent. Missing fields do not change. Errors: P0002 no such '
	'agent, 23505 email taken.';

CREATE FUNCTION parley.list_agents() RETURNS SETOF parley.agent
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT a.id, a.name, a.email, a.created_at, a.disabled_at FROM parley.agents a ORDER BY a.name, a.id;
END;
COMMENT ON FUNCTION parley.list_agents() IS 'Returns all agents by name, including disabled ones.';
