-- api: the rows of parley.routes, the only surface the gateway knows. docs/routes.md says how a function becomes an endpoint.

CREATE TABLE parley.routes (
	method text NOT NULL CHECK (method IN ('GET', 'POST', 'PUT', 'DELETE')),
	path text NOT NULL CHECK (path ~ '^(/([a-z0-9_.-]+|\{[a-z_]+\}))+$'),
	function text NOT NULL,
	auth text NOT NULL CHECK (auth IN ('operator', 'user', 'application', 'none')),
	status smallint NOT NULL DEFAULT 200 CHECK (status BETWEEN 200 AND 204),
	built_in boolean NOT NULL DEFAULT false,
	PRIMARY KEY (path, method)
);
COMMENT ON TABLE parley.routes IS 'the HTTP surface: one row an endpoint';
COMMENT ON COLUMN parley.routes.path IS 'path template; {name} is a segment bound to the function''s argument of that name';
COMMENT ON COLUMN parley.routes.function IS 'schema-qualified name of the one function that answers';
COMMENT ON COLUMN parley.routes.auth IS
	'who may call: operator; user: {user_id} or the operator; application: who knows the token in the path; none: anyone';
COMMENT ON COLUMN parley.routes.status IS 'the status of success';
COMMENT ON COLUMN parley.routes.built_in IS 'comes with the extension, and so is left out of dumps';

SELECT pg_extension_config_dump('parley.routes', 'WHERE NOT built_in');
