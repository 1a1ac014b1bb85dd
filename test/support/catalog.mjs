// Describes an extension's objects by the catalog, so that two databases can be compared object by object.

import { psql } from "./database.mjs";

// One row per fact: the object, the name of the fact, and its value. An ACL is a set. Columns are numbered as in SELECT *.
const facts = `
	WITH extension AS (
		SELECT * FROM pg_extension WHERE extname = 'parley'
	), member AS (
		SELECT d.classid, d.objid FROM pg_depend d, extension e
		WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
	), relation AS (
		SELECT c.*, 'relation ' || c.oid::regclass AS name FROM pg_class c
		WHERE c.relnamespace = 'parley'::regnamespace AND c.relkind <> 'i'
	), attribute AS (
		SELECT r.name || ' column ' || a.attname AS name, a.*, row_number() OVER (PARTITION BY r.oid ORDER BY a.attnum) AS place
		FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid WHERE a.attnum > 0 AND NOT a.attisdropped
	)
	SELECT pg_describe_object(classid, objid, 0), 'belongs to the extension', 'yes' FROM member
	UNION ALL
	SELECT pg_describe_object(p.classoid, p.objoid, p.objsubid), 'initial rights', (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(p.initprivs) a)::text
		FROM pg_init_privs p JOIN member m ON (m.classid, m.objid) = (p.classoid, p.objoid)
	UNION ALL
	SELECT pg_describe_object(classid, objid, 0), 'comment', obj_description(objid, classid::regclass::name) FROM member
	UNION ALL
	SELECT 'extension', 'dumped rows of ' || t.oid::regclass, t.condition FROM extension, unnest(extconfig, extcondition) AS t(oid, condition)
	UNION ALL
	SELECT 'schema parley', 'rights', (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(nspacl) a)::text
		FROM pg_namespace WHERE nspname = 'parley'
	UNION ALL
	SELECT 'function ' || p.oid::regprocedure, f.name, f.value
		FROM pg_proc p, LATERAL (VALUES ('definition', pg_get_functiondef(p.oid)), ('owner', p.proowner::regrole::text),
			('rights', (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(p.proacl) a)::text)) AS f(name, value)
		WHERE p.pronamespace = 'parley'::regnamespace AND p.prokind <> 'a'
	UNION ALL
	SELECT r.name, f.name, f.value
		FROM relation r, LATERAL (VALUES ('kind', r.relkind::text), ('options', r.reloptions::text), ('owner', r.relowner::regrole::text),
			('persistence', r.relpersistence::text), ('replica identity', r.relreplident::text),
			('row security', r.relrowsecurity::text || r.relforcerowsecurity::text),
			('rights', (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(r.relacl) a)::text),
			('query', CASE WHEN r.relkind IN ('v', 'm') THEN pg_get_viewdef(r.oid) END),
			('sequence', (SELECT s::text FROM (SELECT format_type(seqtypid, NULL), seqstart, seqincrement, seqmin, seqmax, seqcache, seqcycle
				FROM pg_sequence WHERE seqrelid = r.oid) s)),
			('partitioned by', pg_get_partkeydef(r.oid)), ('bounds', pg_get_expr(r.relpartbound, r.oid))) AS f(name, value)
	UNION ALL
	SELECT a.name, f.name, f.value
		FROM attribute a, LATERAL (VALUES ('place', a.place::text), ('type', format_type(a.atttypid, a.atttypmod)),
			('collation', nullif(a.attcollation, 0)::regcollation::text), ('not null', a.attnotnull::text), ('identity', a.attidentity::text),
			('generated', a.attgenerated::text), ('storage', a.attstorage::text), ('compression', a.attcompression::text),
			('rights', (SELECT array_agg(x::text ORDER BY x::text) FROM unnest(a.attacl) x)::text),
			('default', (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE (d.adrelid, d.adnum) = (a.attrelid, a.attnum))),
			('comment', col_description(a.attrelid, a.attnum))) AS f(name, value)
	UNION ALL
	SELECT 'constraint ' || c.conname || ' of ' || coalesce(nullif(c.conrelid, 0)::regclass::text, c.contypid::regtype::text), f.name, f.value
		FROM pg_constraint c, LATERAL (VALUES ('definition', pg_get_constraintdef(c.oid)), ('validated', c.convalidated::text),
			('comment', obj_description(c.oid, 'pg_constraint'))) AS f(name, value)
		WHERE c.connamespace = 'parley'::regnamespace
	UNION ALL
	SELECT 'index ' || i.indexrelid::regclass, f.name, f.value
		FROM pg_index i JOIN relation r ON r.oid = i.indrelid, LATERAL (VALUES ('definition', pg_get_indexdef(i.indexrelid)),
			('usable', (i.indisvalid AND i.indisready AND NOT i.indcheckxmin)::text), ('replica identity', i.indisreplident::text),
			('comment', obj_description(i.indexrelid, 'pg_class'))) AS f(name, value)
	UNION ALL
	SELECT 'trigger ' || t.tgname || ' of ' || t.tgrelid::regclass, f.name, f.value
		FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid, LATERAL (VALUES ('definition', pg_get_triggerdef(t.oid)),
			('enabled', t.tgenabled::text), ('comment', obj_description(t.oid, 'pg_trigger'))) AS f(name, value)
		WHERE NOT t.tgisinternal
	UNION ALL
	SELECT 'policy ' || p.polname || ' of ' || p.polrelid::regclass, 'definition',
			concat_ws(' ', p.polcmd, p.polpermissive, p.polroles, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
		FROM pg_policy p JOIN relation r ON r.oid = p.polrelid
	UNION ALL
	SELECT 'type ' || t.oid::regtype, f.name, f.value
		FROM pg_type t, LATERAL (VALUES ('kind', t.typtype::text), ('base', nullif(t.typbasetype, 0)::regtype::text), ('not null', t.typnotnull::text),
			('default', t.typdefault), ('rights', (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(t.typacl) a)::text),
			('labels', (SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)::text)) AS f(name, value)
		WHERE t.typnamespace = 'parley'::regnamespace AND t.typelem = 0
	UNION ALL
	SELECT 'operator ' || o.oid::regoperator, 'definition', concat_ws(' ', o.oprkind, o.oprcode, o.oprresult::regtype, o.oprcom, o.oprnegate, o.oprrest, o.oprjoin)
		FROM pg_operator o WHERE o.oprnamespace = 'parley'::regnamespace
	UNION ALL
	SELECT 'operator class ' || c.opcname, 'definition', concat_ws(' ', m.amname, c.opcintype::regtype, c.opckeytype::regtype, c.opcdefault,
			(SELECT array_agg(concat_ws(' ', amopstrategy, amopopr::regoperator) ORDER BY amopstrategy) FROM pg_amop WHERE amopfamily = c.opcfamily),
			(SELECT array_agg(concat_ws(' ', amprocnum, amproc::regprocedure) ORDER BY amprocnum) FROM pg_amproc WHERE amprocfamily = c.opcfamily))
		FROM pg_opclass c JOIN pg_am m ON m.oid = c.opcmethod WHERE c.opcnamespace = 'parley'::regnamespace
	UNION ALL
	SELECT 'cast from ' || castsource::regtype || ' to ' || casttarget::regtype, 'definition', concat_ws(' ', castfunc, castcontext, castmethod)
		FROM pg_cast JOIN member ON (classid, objid) = ('pg_cast'::regclass, pg_cast.oid)
	UNION ALL
	SELECT 'route ' || method || ' ' || path, 'row', to_json(r)::text FROM parley.routes r`;

// Returns the facts of a database's extension: "object: fact" => value.
export async function catalog(database, env) {
	const rows = await psql(database, `SELECT json_agg(f) FROM (${facts}) AS f(object, fact, value)`, env);
	return new Map(JSON.parse(rows).map(({ object, fact, value }) => [`${object}: ${fact}`, value]));
}

// Returns the first fact that differs, or undefined.
export function difference(found, wanted) {
	for (const name of [...new Set([...wanted.keys(), ...found.keys()])].sort()) {
		if (!found.has(name)) return `${name} is missing; it should be ${wanted.get(name)}`;
		if (!wanted.has(name)) return `${name} is ${found.get(name)}; there should be no such object`;
		if (found.get(name) !== wanted.get(name)) return `${name} is ${found.get(name)}; it should be ${wanted.get(name)}`;
	}
}
