// Settings of a role, a database or a session do not change any result, or what CREATE EXTENSION creates.

import assert from "node:assert/strict";
import { before, after, test } from "node:test";
import { catalog, difference } from "../support/catalog.mjs";
import { psql } from "../support/database.mjs";

const settings = {
	"DateStyle": ["German, DMY", "SQL, MDY"], "IntervalStyle": ["postgres_verbose"], "TimeZone": ["Pacific/Chatham", "America/St_Johns"],
	"extra_float_digits": ["-15", "3"], "bytea_output": ["escape"], "search_path": ["", "pg_temp", "public"], "row_security": ["off"],
	"standard_conforming_strings": ["off"], "backslash_quote": ["on"], "quote_all_identifiers": ["on"], "array_nulls": ["off"],
	"transform_null_equals": ["on"], "lc_messages": ["C"], "lc_numeric": ["C"], "xmloption": ["document"],
	"default_transaction_isolation": ["repeatable read", "serializable"], "default_transaction_deferrable": ["on"],
	"lock_timeout": ["1s"], "statement_timeout": ["60s"], "idle_in_transaction_session_timeout": ["60s"], "synchronous_commit": ["off"],
	"jit_above_cost": ["0"], "force_parallel_mode": ["on", "regress"], "work_mem": ["64kB"], "plan_cache_mode": ["force_generic_plan", "force_custom_plan"],
	"from_collapse_limit": ["1"], "join_collapse_limit": ["1"], "geqo_threshold": ["2"], "constraint_exclusion": ["on"],
	"plpgsql.variable_conflict": ["use_column", "use_variable"], "plpgsql.extra_errors": ["all"], "check_function_bodies": ["off"],
	"pg_trgm.similarity_threshold": ["0.9"], "default_toast_compression": ["pglz"], "client_min_messages": ["error"],
};
for (const name of ["seqscan", "indexscan", "indexonlyscan", "bitmapscan", "tidscan", "sort", "incremental_sort", "hashagg", "hashjoin", "mergejoin", "nestloop",
	"material", "memoize", "parallel_hash", "gathermerge"]) settings[`enable_${name}`] = ["off"];
const pairs = Object.entries(settings).flatMap(([name, values]) => values.map((value) => [name, value]));

const fill = `
	SET search_path = parley, public;
	INSERT INTO contacts (id, name, phone, email, created_at) VALUES (1, 'Ann O''Hara', '+1-800-555-1234', NULL, '2023-12-31 23:58:21.123456+00'),
		(2, E'back\\\\slash', '(030) 1234 567', 'b@example.org', '2024-02-29 00:00:00+00'), (3, 'Anne Ohara', NULL, 'Wang@Example.org', '2020-01-01 00:00:00+00');
	SELECT setval('contacts_id_seq', 3);
	SELECT open_contact_conversation(id) FROM contacts ORDER BY id;
	SELECT open_direct_conversation(1, phone => '(030) 1234 567');
	SELECT post_message(c.id, content, idempotency_key => 'key ' || n) FROM (SELECT id FROM conversations ORDER BY id) c,
		unnest(ARRAY['a movie', E'100% of \\\\_ and ''quotes''', 'ünïcödé 🙂', 'Movie night']) WITH ORDINALITY AS m(content, n);
	SELECT delete_message(min(id), 2) FROM conversations;
	SELECT open_account(1, 'EUR', 'savings'), open_account(2, 'EUR', 'current');
	SELECT post_transaction(1, 1, 100000, 'opening', caller_role => 'operator');
	SELECT post_transaction(1, 1, -n * 7, 'no ' || n, 'key ' || n) FROM generate_series(1, 70) n;
	SELECT post_transfer(1, 1, 2, 1, 500, 'rent', idempotency_key => 'rent');
	SELECT create_chat(token) FROM create_application('an application');`;

// Times are shown in the session's zone, and newly assigned ids are different: neither matters here.
const rows = (call) => `SELECT to_jsonb(r) - '{created_at,timestamp,edited_at,deleted_at,updated_at,at,next_cursor,cursor,token,id,similarity}'::text[] FROM ${call} r;`;
const answers = [
	"parley.list_conversations()", "parley.list_conversations('movie', count => 'exact')", "parley.list_conversations('%')", "parley.list_conversations(chr(92))",
	"parley.list_conversations('800555')", "parley.list_user_conversations(1, 'movie')", "parley.list_contacts('ann ohara')", "parley.list_contacts('030')",
	"parley.list_transactions(1, 1, sort => 'desc', \"limit\" => 5)", "parley.get_balance(1, 1)", "parley.find_largest_expense(1, '2020-01-01Z', '2100-01-01Z')",
	"parley.get_user(1)", "parley.audit_ledger()", "parley.audit_conversations()", "parley.describe_routes()",
	"parley.refused_values('{a,b,c}', '{parley.phone_number,bigint,parley.page_limit}', '{x,1.5,999}')",
	// The same key and payload as before: the first result again.
	"(SELECT id FROM parley.conversations ORDER BY id LIMIT 1) c, parley.post_message(c.id, 'a movie', idempotency_key => 'key 1')",
	"parley.post_transaction(1, 1, -7, 'no 1', 'key 1')", "parley.post_transfer(1, 1, 2, 1, 500, 'rent', idempotency_key => 'rent')",
	"parley.create_user('+1 (999) 555 0000', E'back\\\\slash')", "parley.post_transaction(2, 1, -999999, 'too much')", "parley.create_application('x')",
].map(rows).join("\n") + "\nSELECT c.messages FROM (SELECT min(id) AS first FROM parley.conversations) f, parley.conversation(f.first) c; SELECT messages FROM parley.sync(1);";
const script = `BEGIN;\n${answers}\nROLLBACK`;

const database = "hostile_settings";
const made = [];
async function create(name) {
	made.push(name);
	await psql("postgres", `DROP DATABASE IF EXISTS ${name}`);
	await psql("postgres", `CREATE DATABASE ${name} TEMPLATE template0`);
}
before(async () => {
	await create(database);
	await psql(database, "CREATE EXTENSION parley CASCADE");
	await psql(database, fill);
	await psql(database, "VACUUM ANALYZE");
});
after(async () => {
	for (const name of made) await psql("postgres", `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
});

const options = (name, value) => `-c client_min_messages=warning -c ${name}=${value.replace(/ /g, "\\ ")}`;

test("no_setting_of_a_session_changes_an_answer", async (t) => {
	const wanted = await psql(database, script);
	assert.ok(wanted.split("\n").length > 60, wanted);
	for (const [name, value] of pairs)
		await t.test(`${name} = ${value}`, async () => {
				const found = (await psql(database, script, { PGOPTIONS: options(name, value) })).split("\n");
				assert.deepEqual(found.filter((line, n) => line !== wanted.split("\n")[n]), []);
			});
});

test("no_setting_of_a_database_changes_what_is_installed", async (t) => {
	await create("hostile_installed");
	await psql("hostile_installed", "CREATE EXTENSION parley CASCADE");
	const wanted = await catalog("hostile_installed");
	const harmful = ["standard_conforming_strings", "search_path", "DateStyle", "quote_all_identifiers", "transform_null_equals", "check_function_bodies",
		"default_transaction_isolation", "array_nulls", "row_security", "TimeZone"];
	for (const [name, value] of pairs.filter(([name]) => harmful.includes(name)))
		await t.test(`${name} = ${value}`, async () => {
			await create("hostile_install");
			await psql("hostile_install", "CREATE EXTENSION pg_trgm");
			await psql("postgres", `ALTER DATABASE hostile_install SET ${name} = '${value}'`);
			// parley refuses this one, because the strings in its script have already been parsed with it.
			if (name === "standard_conforming_strings")
				return assert.rejects(psql("hostile_install", "CREATE EXTENSION parley"), /standard_conforming_strings is off/);
			await psql("hostile_install", "CREATE EXTENSION parley");
			await psql("postgres", `ALTER DATABASE hostile_install RESET ${name}`);
			assert.equal(difference(await catalog("hostile_install"), wanted), undefined);
		});
});
