// A filled database of the previous version is, after ALTER EXTENSION UPDATE, what a fresh one would be, and has lost nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { catalog, difference } from "../support/catalog.mjs";
import { createDatabase, psql } from "../support/database.mjs";
import { start_gateway, until } from "../support/gateway.mjs";

// What could be done with 1.0. This is never changed, because 1.0 is not either.
const fill = `
	SET search_path = parley, public;
	SELECT create_user(phone, name) FROM (VALUES ('+1-800-555-1234', 'Ann'), ('(030) 1234 567', '王芳'), ('0044 20 7946 0000', 'Zoë')) AS u(phone, name);
	SELECT create_contact(name => 'someone ' || n) FROM generate_series(1, 30) n;
	SELECT post_message(o.id, 'message ' || n || ' of ' || c.id)
		FROM contacts c, open_contact_conversation(c.id) o, generate_series(1, 4) n;
	SELECT open_direct_conversation(a.id, b.id) FROM contacts a, contacts b WHERE a.phone IS NOT NULL AND b.phone IS NOT NULL AND a.id < b.id;
	SELECT post_user_message(conversation_id, 'hello from ' || contact_id, contact_id, 'key ' || contact_id) FROM members;
	SELECT edit_user_message(contact_id, conversation_id, 1, 'edited') FROM members m JOIN messages s USING (conversation_id)
		WHERE s.number = 1 AND s.sender_id = m.contact_id;
	SELECT delete_message(id, 2) FROM conversations WHERE kind = 'contact' AND id % 3 = 0;
	SELECT create_chat(token) FROM create_application('an application');
	SELECT post_chat_message(token, 1, 'in a chat') FROM applications;
	SELECT open_account(id, 'EUR', 'savings') FROM contacts WHERE phone IS NOT NULL;
	SELECT post_transaction(user_id, id, 10000, 'opening', 'first') FROM accounts;
	SELECT post_transaction(user_id, id, -n) FROM accounts, generate_series(1, 100) n;
	SELECT post_transaction(user_id, id, -99999, 'too much', 'refused') FROM accounts;
	SELECT post_transfer(a.user_id, a.id, b.user_id, b.id, 5) FROM accounts a, accounts b WHERE a.user_id < b.user_id;
	CREATE FUNCTION public.hello(name text) RETURNS text LANGUAGE sql RETURN 'hello ' || name;
	SELECT add_route('GET', '/hello/{name}', 'public.hello', 'none');
	DELETE FROM routes WHERE path = '/users' AND method = 'POST'`;

// Ann's lists up to a cursor, from which they should continue. Sync repeats nothing here, because nobody writes meanwhile.
const cursors = `
	SELECT json_build_object('sync', (SELECT cursor FROM parley.sync(1, "limit" => 2)),
		'list', (SELECT min(next_cursor) FROM parley.list_conversations("limit" => 5)),
		'search', (SELECT min(next_cursor) FROM parley.list_conversations('message', "limit" => 5)),
		'user', (SELECT min(next_cursor) FROM parley.list_user_conversations(1, "limit" => 1)))`;
const pages = (cursor) => `
	SELECT messages FROM parley.sync(1, '${cursor.sync}')
	UNION ALL
	SELECT json_agg(json_build_array(conversation_id, message_id, content)) FROM parley.list_conversations(cursor => '${cursor.list}')
	UNION ALL
	SELECT json_agg(json_build_array(conversation_id, message_id, content)) FROM parley.list_conversations('message', cursor => '${cursor.search}')
	UNION ALL
	SELECT json_agg(json_build_array(conversation_id, message_id)) FROM parley.list_user_conversations(1, cursor => '${cursor.user}')`;

async function databaseOf(t, name, version) {
	const database = await createDatabase(t, name);
	await psql(database, `CREATE EXTENSION parley ${version === undefined ? "" : `VERSION '${version}'`} CASCADE`);
	return database;
}

// The rows of every table of 1.0, with the columns that it had then.
async function rows(database, columns) {
	const result = {};
	for (const [table, list] of Object.entries(columns))
		result[table] = await psql(database, `SELECT ${list} FROM ${table} t ORDER BY t::text COLLATE "C"`);
	return result;
}

const columnsOf = async (database) => JSON.parse(await psql(database, `
	SELECT json_object_agg(attrelid::regclass, columns) FROM (
		SELECT attrelid, string_agg(format('%I', attname), ', ' ORDER BY attnum) AS columns
		FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
		WHERE relnamespace = 'parley'::regnamespace AND relkind = 'r' AND attnum > 0 GROUP BY attrelid) t`));

const audits = "SELECT 'ledger', a::text FROM parley.audit_ledger() a UNION ALL SELECT 'conversations', a::text FROM parley.audit_conversations() a";

test("updated_database_equals_a_fresh_one", async (t) => {
	const updated = await databaseOf(t, "update_empty", "1.0");
	await psql(updated, "ALTER EXTENSION parley UPDATE");
	const wanted = await catalog(await databaseOf(t, "update_fresh"));
	const found = await catalog(updated);
	assert.ok(wanted.size > 500);
	assert.equal(difference(found, wanted), undefined, "extension/upgrade/1.0--1.1.tables.sql lacks a line");
});

test("filled_database_keeps_all_through_an_update", async (t) => {
	const database = await databaseOf(t, "update_filled", "1.0");
	await psql(database, fill);
	const columns = await columnsOf(database);
	const before = await rows(database, columns);
	for (const [table, content] of Object.entries(before))
		assert.ok(content !== "" || table.startsWith("parley.bulk_load"), `the test puts nothing in ${table}`);
	const cursor = JSON.parse(await psql(database, cursors));
	const rest = await psql(database, pages(cursor));
	assert.equal(await psql(database, audits), "");

	await psql(database, "ALTER EXTENSION parley UPDATE");
	const shipped = `SELECT method, path FROM parley.routes WHERE path = '/users' OR path = '/hello/{name}'`;
	await t.test("rows_are_as_they_were", async () => {
		delete columns["parley.routes"];
		delete before["parley.routes"];
		assert.deepEqual(await rows(database, columns), before);
	});
	await t.test("all_of_it_is_audited", async () => assert.equal(await psql(database, audits), ""));
	await t.test("old_cursors_resume", async () => assert.equal((await psql(database, pages(cursor))).replaceAll(',"agent_id":null,"transfer_id":null', ""), rest));
	await t.test("routes_are_as_the_installation_left_them", async () => assert.equal(await psql(database, shipped), "GET|/hello/{name}"));
	await t.test("objects_equal_those_of_a_fresh_one", async () => {
		// The installation closed the route of create_user(), which is a new function, so the gateway may not call it.
		const own = ([name]) => !/^route |^function parley.create_user\(/.test(name);
		const wanted = await catalog(await databaseOf(t, "update_fresh_too"));
		assert.equal(difference(new Map([...(await catalog(database))].filter(own)), new Map([...wanted].filter(own))), undefined);
	});
	await t.test("what_was_there_is_no_news_to_the_operator", async () => assert.equal(
		await psql(database, "SELECT count(*) FROM parley.list_conversations(unread => true)"), "0"));
	await t.test("old_ids_are_named_as_old_and_new_ones_carry_their_shard", async () => {
		const old = "SELECT count(*) FILTER (WHERE found LIKE 'old: %') > 0, count(*) FILTER (WHERE found NOT LIKE 'old: %') FROM parley.audit_shards()";
		assert.equal(await psql(database, old), "t|0");
		const highest = await psql(database, "SELECT max(id) FROM parley.conversations");
		await psql(database, `SELECT parley.open_contact_conversation((SELECT id FROM parley.create_contact('later')));
			SELECT parley.create_chat(token) FROM parley.create_application('later')`);
		assert.equal(await psql(database, old), "t|0");
		assert.equal(await psql(database, `SELECT count(*), min(id) > ${highest} FROM parley.conversations WHERE id > 1024`), "2|t");
		await psql(database, "CALL parley.rekey_conversations(10)");
		assert.equal(await psql(database, "SELECT count(*) FROM parley.audit_shards() WHERE conversation_id IS NOT NULL"), "0");
		assert.equal(await psql(database, audits), "");
	});
	await t.test("it_goes_on", async () => {
		await psql(database, `SELECT parley.post_transaction(1, 1, 1, idempotency_key => 'after');
			SELECT parley.post_user_message(conversation_id, 'after', contact_id) FROM parley.members WHERE contact_id = 1;
			SELECT parley.create_user('+49 30 999999')`);
		assert.equal(await psql(database, audits), "");
	});
});

// Otherwise the update would take hours where there are many messages.
test("update_writes_no_large_table_or_index_again", async (t) => {
	const database = await databaseOf(t, "update_files", "1.0");
	await psql(database, fill);
	const files = async () => JSON.parse(await psql(database, `
		SELECT json_object_agg(c.oid::regclass, c.relfilenode) FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
		WHERE coalesce(i.indrelid, c.oid) IN ('parley.contacts'::regclass, 'parley.members'::regclass, 'parley.messages'::regclass, 'parley.transactions'::regclass)`));
	const before = await files();
	await psql(database, "ALTER EXTENSION parley UPDATE");
	const after = await files();
	assert.deepEqual(Object.keys(before).filter((name) => name in after && after[name] !== before[name]), []);
	assert.ok("parley.messages_grams" in after, JSON.stringify(after));
});

test("gateway_serves_the_version_before_and_says_so", async (t) => {
	const database = await databaseOf(t, "update_served", "1.0");
	await psql(database, fill);
	await psql(database, "ALTER ROLE parley_gateway LOGIN");
	const gateway = await start_gateway([], { env: { PGDATABASE: database } });
	t.after(() => gateway.stop("SIGKILL"));
	const ask = async (path, body) => {
		const post = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
		const response = await fetch(gateway.base + path, body === undefined ? {} : post);
		return { status: response.status, body: await response.json() };
	};
	const serves = async () => {
		assert.equal((await ask("/conversations?searchValue=message&limit=3")).body.length, 3);
		assert.equal((await ask("/contacts", { name: "Eve" })).status, 201);
		assert.equal((await ask("/users/1/accounts/1/transactions", { amount: 7 })).status, 201);
		assert.equal((await ask("/users/1/accounts/1/transactions", { amount: -7 })).status, 201);
		assert.equal((await ask("/users/1/sync")).status, 200);
	};

	assert.deepEqual((await ask("/ready")).body, { status: "ok", extension: "1.0", gateway: "1.1" });
	await serves();
	// The document is a function of 1.1.
	assert.equal((await ask("/openapi.json")).status, 404);
	await psql(database, "ALTER EXTENSION parley UPDATE");
	await until(async () => (await ask("/ready")).body.extension === undefined, "the gateway knows of the update");
	await serves();
	assert.equal((await ask("/openapi.json")).status, 200);
	assert.equal(await gateway.stop(), 0);
});
