-- openapi: the document of GET /openapi.json, generated from the routes and the catalog. Its texts are the comments of functions
-- and domains.

CREATE FUNCTION parley.openapi_type(type oid) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t pg_type;
BEGIN
	SELECT * INTO t FROM pg_type WHERE oid = type;
	RETURN CASE
		WHEN t.typtype = 'd' THEN parley.openapi_type(t.typbasetype)
		WHEN type = 'boolean'::regtype THEN '{"type": "boolean"}'
		WHEN type IN ('smallint'::regtype, 'integer'::regtype) THEN '{"type": "integer", "format": "int32"}'
		WHEN type IN ('real'::regtype, 'double precision'::regtype) THEN '{"type": "number"}'
		WHEN type IN ('bigint'::regtype, 'oid'::regtype) THEN '{"type": "integer", "format": "int64"}'
		WHEN type = 'timestamptz'::regtype THEN '{"type": "string", "format": "date-time"}'
		WHEN type IN ('json'::regtype, 'jsonb'::regtype) THEN '{}'
		WHEN t.typtype = 'e' THEN jsonb_build_object('type', 'string', 'enum',
			(SELECT jsonb_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = type))
		WHEN type IN ('text[]'::regtype, 'integer[]'::regtype, 'bigint[]'::regtype) THEN jsonb_build_object('type', 'array', 'items', parley.openapi_type(t.typelem))
		ELSE '{"type": "string"}'
	END;
END $$;
COMMENT ON FUNCTION parley.openapi_type(oid) IS 'returns the JSON schema of a type''s values';

CREATE FUNCTION parley.openapi_nullable(schema jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN schema ? '$ref' THEN jsonb_build_object('anyOf', jsonb_build_array(schema, '{"type": "null"}'::jsonb)) ELSE schema END
	|| CASE WHEN schema ? 'type' THEN jsonb_build_object('type', jsonb_build_array(schema -> 'type', 'null')) ELSE '{}' END
	|| CASE WHEN schema ? 'enum' THEN jsonb_build_object('enum', (schema -> 'enum') || 'null') ELSE '{}' END;
COMMENT ON FUNCTION parley.openapi_nullable(jsonb) IS 'returns a JSON schema that also accepts null';

CREATE FUNCTION parley.openapi_marks(OUT schema text, OUT never_null text[], OUT shapes jsonb) RETURNS SETOF record
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	VALUES
		('account', '{id,user_id,currency,balance,created_at}'::text[], '{}'::jsonb),
		('agent', '{id,name,email,created_at}', '{}'),
		('application', '{token,name,chats_count,created_at,updated_at}', '{}'),
		('case_state', '{conversation_id,status,labels}', '{}'),
		('chat', '{number,messages_count,created_at,updated_at}', '{}'),
		('chat_message', '{number,content,created_at,updated_at}', '{}'),
		('contact', '{id,created_at,attributes}', '{"attributes": "object"}'),
		('conversation_answer', '{id,kind,created_at,participants,messages}',
			'{"participants": "participant[]", "messages": "message[]", "case": "case_state"}'),
		('created_application', '{token,name,chats_count,created_at,updated_at}', '{}'),
		('created_chat', '{number,messages_count,created_at,updated_at}', '{}'),
		('erasure', '{contact_id,erased_at,fields,messages,idempotency_hashes,account_names}', '{}'),
		('find_largest_expense_answer', '{id,account_id,amount,balance,created_at}', '{}'),
		('get_balance_answer', '{at,balance}', '{}'),
		('get_block_answer', '{contact_id,created_at}', '{}'),
		('get_user_answer', '{id,created_at,totals}', '{"totals": "total[]"}'),
		('listed_application', '{token,name,chats_count,created_at,updated_at}', '{}'),
		('list_chat_messages_answer', '{number,content,created_at,updated_at}', '{}'),
		('list_chats_answer', '{number,messages_count,created_at,updated_at}', '{}'),
		('listed_account', '{id,user_id,currency,balance,created_at}', '{}'),
		('listed_contact', '{id,created_at,attributes}', '{"attributes": "object"}'),
		('listed_message', '{conversation_id,message_id,created_at}', '{}'),
		('listed_transaction', '{id,account_id,amount,balance,created_at}', '{}'),
		('mark_operator_read_answer', '{read,unread}', '{}'),
		('mark_read_answer', '{read,unread}', '{}'),
		('message', '{conversation_id,message_id,created_at}', '{}'),
		('open_contact_conversation_answer', '{contact_id,id,kind,created_at}', '{}'),
		('open_direct_conversation_answer', '{id,kind,user1_id,user2_id,created_at}', '{}'),
		('posted_chat_message', '{number,content,created_at,updated_at}', '{}'),
		('posted_message', '{conversation_id,message_id,created_at}', '{}'),
		('posted_transaction', '{id,account_id,amount,balance,created_at}', '{}'),
		('posted_transfer', '{from_transaction,to_transaction}', '{"from_transaction": "transferred", "to_transaction": "transferred"}'),
		('recent_conversation', '{conversation_id,message_id,content,timestamp,kind,status,labels,unread}', '{}'),
		('registered_user', '{id,created_at}', '{}'),
		('search_chat_answer', '{number,content,created_at,updated_at}', '{}'),
		('sync_answer', '{cursor,messages,reads,transactions,more,changed,incomplete}',
			'{"messages": "message[]", "reads": "read_horizon[]", "transactions": "synced_transaction[]"}'),
		('sync_list_answer', '{cursor,conversations,is_whole,more,changed,incomplete}', '{"conversations": "object[]"}'),
		('trial_balance_answer', '{currency,balances,came_in,went_out,difference}', '{}'),
		('user_conversation', '{conversation_id,message_id,content,timestamp,kind,unread}', '{}');
END;
COMMENT ON FUNCTION parley.openapi_marks() IS
	'returns what the catalog does not say about the schemas of parley''s own routes: which columns are never null, and the schema '
	'of each json column''s value, or of an array''s elements if it ends in []';

CREATE FUNCTION parley.openapi_shape(shape text) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT CASE WHEN shape LIKE '%[]' THEN jsonb_build_object('type', 'array', 'items', one.schema) ELSE one.schema END
	FROM (SELECT CASE rtrim(shape, '[]') WHEN 'object' THEN '{"type": "object", "additionalProperties": true}'
		ELSE jsonb_build_object('$ref', '#/components/schemas/' || rtrim(shape, '[]')) END) AS one(schema);
END;
COMMENT ON FUNCTION parley.openapi_shape(text) IS 'returns the JSON schema of a shape of openapi_marks()';

CREATE FUNCTION parley.openapi_columns(function oid, OUT schema text, OUT name text, OUT definition jsonb, OUT "position" bigint)
RETURNS SETOF record
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT c.schema, c.name,
		CASE WHEN c.is_not_null OR t.typnotnull OR c.name = ANY (m.never_null) THEN d.definition ELSE parley.openapi_nullable(d.definition) END,
		c.position
	FROM pg_proc p
	JOIN pg_type r ON r.oid = p.prorettype
	CROSS JOIN LATERAL (
		SELECT r.typname::text, a.attname::text, a.atttypid, a.attnotnull, a.attnum::bigint
		FROM pg_attribute a WHERE a.attrelid = r.typrelid AND a.attnum > 0 AND NOT a.attisdropped
		UNION ALL
		SELECT p.proname || '_answer', o.name, o.type, false, o.position
		FROM unnest(p.proargnames, p.proallargtypes, p.proargmodes) WITH ORDINALITY AS o(name, type, mode, position)
		WHERE o.mode IN ('o', 'b', 't')
		UNION ALL
		SELECT p.proname || '_answer', p.proname, p.prorettype, false, 1
		WHERE r.typrelid = 0 AND p.proallargtypes IS NULL AND r.oid <> 'void'::regtype
	) AS c(schema, name, type, is_not_null, position)
	JOIN pg_type t ON t.oid = c.type
	LEFT JOIN parley.openapi_marks() m ON m.schema = c.schema AND p.pronamespace = to_regnamespace('parley')
	CROSS JOIN LATERAL (SELECT coalesce(parley.openapi_shape(m.shapes ->> c.name), parley.openapi_type(c.type))) AS d(definition)
	WHERE p.oid = function;
END;
COMMENT ON FUNCTION parley.openapi_columns(oid) IS
	'returns the columns of a function''s result, and the name of their schema, which comes from the composite type or from the '
	'function';

CREATE FUNCTION parley.openapi() RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
	RETURN (WITH route AS (
		SELECT d.*, p.proname::text AS name, c.columns, c.schema,
			-- As in the gateway, a single column of type json is the whole response.
			(SELECT count(*) FROM jsonb_object_keys(c.columns)) = 1 AND NOT d.returns_set AND p.prorettype IN ('json'::regtype, 'jsonb'::regtype)
				AS is_document
		FROM parley.describe_routes() d
		JOIN pg_proc p ON p.oid = parley.route_function(d.function)
		CROSS JOIN LATERAL (SELECT coalesce(jsonb_object_agg(o.name, true), '{}') AS columns, min(o.schema) AS schema
			FROM parley.openapi_columns(p.oid) o) c
		WHERE d.problem IS NULL
	), named_schema AS (
		SELECT DISTINCT ON (r.schema) r.schema,
			(SELECT jsonb_build_object('type', 'object', 'required', jsonb_agg(o.name ORDER BY o.position), 'properties', jsonb_object_agg(o.name,
						o.definition))
				FROM parley.openapi_columns(parley.route_function(r.function)) o
				-- The other columns are for the gateway: see docs/routes.md.
				WHERE o.name NOT IN ('created', 'replayed', 'total_count', 'refused', 'refused_detail') AND o.name !~ '^next_'
					AND NOT (o.name = 'incomplete' AND r.returns_set)) AS definition
		FROM route r WHERE r.schema IS NOT NULL AND NOT r.is_document ORDER BY r.schema
	), parameter AS (
		SELECT r.method, r.path, a.position, a.value ->> 'in' AS place, coalesce((a.value ->> 'required')::boolean, false) AS is_required,
			CASE a.value ->> 'in' WHEN 'header' THEN 'Idempotency-Key' ELSE a.value ->> 'name' END AS name,
			parley.openapi_type((a.value ->> 'type_oid')::oid) || jsonb_strip_nulls(jsonb_build_object(
				'minimum', a.value -> 'minimum', 'maximum', a.value -> 'maximum', 'minLength', a.value -> 'min_length',
				'maxLength', a.value -> 'max_length', 'enum', a.value -> 'one_of', 'description', a.value -> 'description')) AS schema
		FROM route r, jsonb_array_elements(r.parameters) WITH ORDINALITY AS a(value, position)
	), operation AS (
		SELECT r.path, lower(r.method) AS method, jsonb_strip_nulls(jsonb_build_object(
			'operationId', r.name || CASE row_number() OVER same_name WHEN 1 THEN '' ELSE '_' || row_number() OVER same_name END,
			'summary', coalesce(r.description, r.path),
			'tags', jsonb_build_array((regexp_match(r.path, '^/([^/]+)'))[1]),
			'security', CASE WHEN r.auth IN ('operator', 'user') THEN '[{"bearer": []}]' ELSE '[]' END::jsonb,
			'parameters', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', a.name, 'in', a.place,
					'required', a.is_required OR a.place = 'path', 'schema', a.schema) ORDER BY a.position), '[]')
				FROM parameter a WHERE (a.method, a.path) = (r.method, r.path) AND a.place IN ('path', 'query', 'header')),
			'requestBody', (SELECT jsonb_build_object('required', bool_or(a.is_required), 'content', jsonb_build_object('application/json',
					jsonb_build_object('schema', jsonb_build_object('type', 'object', 'additionalProperties', false,
						'required', coalesce(jsonb_agg(a.name ORDER BY a.position) FILTER (WHERE a.is_required), '[]'),
						'properties', jsonb_object_agg(a.name, CASE WHEN a.is_required THEN a.schema ELSE parley.openapi_nullable(a.schema) END)))))
				FROM parameter a WHERE (a.method, a.path) = (r.method, r.path) AND a.place = 'body' HAVING count(*) > 0),
			'responses', (SELECT jsonb_object_agg(s.status, jsonb_strip_nulls(jsonb_build_object(
					'description', CASE s.status WHEN 200 THEN 'OK' WHEN 201 THEN 'Created' WHEN 204 THEN 'No Content' ELSE 'Success' END,
					'headers', jsonb_strip_nulls(jsonb_build_object(
						'X-Request-Id', '{"$ref": "#/components/headers/X-Request-Id"}'::jsonb,
						'Link', CASE WHEN r.columns::text ~ '"next_' THEN '{"$ref": "#/components/headers/Link"}'::jsonb END,
						'X-Total-Count', CASE WHEN r.columns ? 'total_count' THEN '{"$ref": "#/components/headers/X-Total-Count"}'::jsonb END,
						'X-Incomplete', CASE WHEN r.returns_set AND r.columns ? 'incomplete' THEN '{"$ref": "#/components/headers/X-Incomplete"}'::jsonb END,
						'Idempotency-Replayed', CASE WHEN r.columns ? 'replayed' THEN '{"$ref": "#/components/headers/Idempotency-Replayed"}'::jsonb END)),
					'content', CASE WHEN r.streams THEN '{"text/event-stream": {"schema": {"type": "string"}}}'::jsonb
						WHEN s.status <> 204 THEN jsonb_build_object('application/json', jsonb_build_object('schema', CASE
						WHEN r.is_document OR r.schema IS NULL THEN '{}'
						WHEN r.returns_set THEN jsonb_build_object('type', 'array', 'items', jsonb_build_object('$ref', '#/components/schemas/' || r.schema))
						ELSE jsonb_build_object('$ref', '#/components/schemas/' || r.schema) END))
						|| CASE WHEN r.returns_set THEN '{"text/csv": {"schema": {"type": "string"}}}' ELSE '{}' END::jsonb END)))
				FROM (SELECT r.status::integer UNION SELECT 200 WHERE r.status = 201 AND r.columns ? 'created') AS s(status))
				|| '{"4XX": {"$ref": "#/components/responses/Problem"}, "5XX": {"$ref": "#/components/responses/Problem"}}')) AS definition
		FROM route r
		WINDOW same_name AS (PARTITION BY r.name ORDER BY r.streams, r.path, r.method)
	)
	SELECT jsonb_build_object(
		'openapi', '3.1.0',
		'info', jsonb_build_object('title', 'parley', 'version', (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'parley'),
			'license', '{"name": "PostgreSQL License", "identifier": "PostgreSQL"}'::jsonb),
		'servers', '[{"url": "/"}]'::jsonb,
		'tags', (SELECT jsonb_agg(DISTINCT jsonb_build_object('name', o.definition -> 'tags' -> 0)) FROM operation o),
		'paths', (SELECT jsonb_object_agg(p.path, p.operations)
			FROM (SELECT o.path, jsonb_object_agg(o.method, o.definition) AS operations FROM operation o GROUP BY o.path) p),
		'components', jsonb_build_object(
			'securitySchemes', '{"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}'::jsonb,
			'headers', '{
				"X-Request-Id": {"description": "identifies this request in the log", "schema": {"type": "string"}},
				"Link": {"description": "the neighbouring pages (RFC 8288)", "schema": {"type": "string"}},
				"X-Total-Count": {"description": "the total number of rows, if requested", "schema": {"type": "integer"}},
				"X-Incomplete": {"description": "true if one of several databases is away, and what it has is missing", "schema": {"type": "string"}},
				"Idempotency-Replayed": {"description": "true if an earlier response is repeated", "schema": {"type": "string"}}}'::jsonb,
			'responses', '{"Problem": {"description": "an error (RFC 9457)",
				"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}}'::jsonb,
			'schemas', (SELECT jsonb_object_agg(s.schema, s.definition) FROM named_schema s) || '{
				"participant": {"type": "object", "required": ["id", "name", "identifier", "type", "read_message_id"], "properties": {
					"id": {"type": "integer", "format": "int64"}, "name": {"type": ["string", "null"]}, "identifier": {"type": ["string", "null"]},
					"type": {"type": ["string", "null"], "enum": ["phone", "email", null]}, "read_message_id": {"type": "integer", "format": "int64"}}},
				"total": {"type": "object", "required": ["currency", "total"], "properties": {
					"currency": {"type": "string"}, "total": {"type": "integer", "format": "int64"}}},
				"read_horizon": {"type": "object", "required": ["conversation_id", "contact_id", "read_message_id"], "properties": {
					"conversation_id": {"type": "integer", "format": "int64"}, "contact_id": {"type": "integer", "format": "int64"},
					"read_message_id": {"type": "integer", "format": "int64"}}},
				"synced_transaction": {"type": "object", "required": ["id", "account_id", "amount", "balance", "created_at", "memo"], "properties": {
					"id": {"type": "integer", "format": "int64"}, "account_id": {"type": "integer", "format": "int64"},
					"amount": {"type": "integer", "format": "int64"}, "balance": {"type": "integer", "format": "int64"},
					"created_at": {"type": "string", "format": "date-time"}, "memo": {"type": ["string", "null"]}}},
				"transferred": {"type": "object", "required": ["id", "user_id", "account_id", "amount", "balance", "created_at", "memo"], "properties": {
					"id": {"type": "integer", "format": "int64"}, "user_id": {"type": "integer", "format": "int64"},
					"account_id": {"type": "integer", "format": "int64"}, "amount": {"type": "integer", "format": "int64"},
					"balance": {"type": ["integer", "null"], "format": "int64"}, "created_at": {"type": "string", "format": "date-time"},
					"memo": {"type": ["string", "null"]}}},
				"Problem": {"type": "object",
				"required": ["type", "title", "status", "code", "request_id"],
				"properties": {
					"type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"},
					"code": {"type": "string", "description": "a SQLSTATE"}, "hint": {"type": "string"},
					"outcome": {"type": "string", "enum": ["known", "unknown"]}, "request_id": {"type": "string"},
					"errors": {"type": "array", "items": {"type": "object", "required": ["field", "detail"],
						"properties": {"field": {"type": "string"}, "detail": {"type": "string"}}}}}}}')));
END $$;
COMMENT ON FUNCTION parley.openapi() IS 'returns the OpenAPI document of all routes';
