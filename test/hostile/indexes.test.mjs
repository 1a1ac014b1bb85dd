// Indexes that are not as parley created them: each in turn is invalid, as a cancelled CREATE INDEX CONCURRENTLY leaves it. Whatever
// needs the index reports it, everything else continues to work, and REINDEX restores everything. (Until then, PostgreSQL does not
// enforce uniqueness.)

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { psql } from "../support/database.mjs";
import { cutShort } from "../support/indexes.mjs";
import { Session } from "../support/psql_session.mjs";

const database = "hostile_indexes";

before(async () => {
	await psql("postgres", `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
	await psql("postgres", `CREATE DATABASE ${database} TEMPLATE template0`);
	await psql(database, "CREATE EXTENSION parley CASCADE");
	await psql(database, `SET search_path = parley, public;
		SELECT create_user('+1-800-555-1234', 'Ann'), create_user('(030) 1234 567', 'Zoë'), create_contact('Cem', '+1 800 555 9999', 'cem@example.org');
		SELECT open_contact_conversation(id) FROM contacts;
		SELECT open_direct_conversation(1, 2);
		SELECT post_message(c.id, 'a movie ' || n, idempotency_key => 'key ' || n) FROM (SELECT id FROM conversations) c, generate_series(1, 50) n;
		SELECT open_account(1, 'EUR'), open_account(2, 'EUR');
		SELECT post_transaction(1, 1, 100000, 'opening', 'key', 'operator');
		SELECT post_transfer(1, 1, 2, 1, 5, idempotency_key => 'transfer');
		SELECT create_chat(token, 'chat') FROM create_application('an application', 'application')`);
});
after(() => psql("postgres", `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`));

// Each runs on its own, so that one error does not hide another.
const calls = {
	list: "SELECT array_agg(conversation_id || '.' || message_id) FROM parley.list_conversations()",
	...Object.fromEntries(["auto", "walk", "index"].flatMap((method) => ["movie", "ann", "5551234"].map((term) => [`search ${term} by ${method}`,
		`SET parley.search_method = ${method}; SELECT array_agg(conversation_id || '.' || message_id) FROM parley.list_conversations('${term}')`]))),
	"a user's list": "SELECT count(*) FROM parley.list_user_conversations(1)",
	"a user's search": "SELECT array_agg(message_id) FROM parley.list_user_conversations(1, 'movie 4')",
	"search in one": "SELECT count(*) FROM parley.search_conversation((SELECT max(id) FROM parley.conversations WHERE kind = 'contact'), 'movie', 100, 60)",
	"contacts by name": "SELECT array_agg(name) FROM parley.list_contacts('Ann')",
	"messages": "SELECT count(*) FROM parley.list_messages((SELECT min(id) FROM parley.conversations))",
	"replay of a message": "SELECT replayed FROM parley.post_message((SELECT min(id) FROM parley.conversations), 'a movie 7', idempotency_key => 'key 7')",
	"replay of a transaction": "SELECT replayed FROM parley.post_transaction(1, 1, 100000, 'opening', 'key', 'operator')",
	"replay of a transfer": "SELECT replayed FROM parley.post_transfer(1, 1, 2, 1, 5, idempotency_key => 'transfer')",
	"replay of an application": "SELECT replayed FROM parley.create_application('an application', 'application')",
	"replay of a chat": "SELECT replayed FROM parley.create_chat((SELECT token FROM parley.applications), 'chat')",
	"a conversation that is there": "SELECT created FROM parley.open_direct_conversation(1, 2)",
	"the operator's that is there": "SELECT created FROM parley.open_contact_conversation(1)",
	"the largest expense": "SELECT amount FROM parley.find_largest_expense(1, '2000-01-01 UTC', '2100-01-01 UTC')",
	sync: "SELECT parley.sync(1)::text LIKE '%a movie 50%'",
	audits: "SELECT rule FROM parley.audit_ledger() UNION ALL SELECT rule FROM parley.audit_conversations()",
};
const answers = async () => {
	const said = {};
	for (const [name, call] of Object.entries(calls))
		said[name] = await psql(database, call).catch((error) => error.message.match(/ERROR: .*/)?.[0] ?? error.message);
	return said;
};

test("an_index_half_built_is_missed_in_words_or_not_at_all", { timeout: 900000 }, async (t) => {
	const indexes = (await psql(database, `SELECT json_agg(json_build_object('name', c.relname, 'on', i.indrelid::regclass, 'definition', pg_get_indexdef(c.oid)))
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'parley'::regnamespace
		AND i.indrelid::regclass::text IN ('parley.contacts', 'parley.conversations', 'parley.members', 'parley.messages', 'parley.transactions', 'parley.agents')
		AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid)`));
	const sound = await answers();
	assert.deepEqual(Object.values(sound).filter((answer) => answer.includes("ERROR")), []);
	const session = new Session({ PGDATABASE: database });
	t.after(() => session.close());
	for (const { name, on, definition } of JSON.parse(indexes)) {
		await psql(database, `DROP INDEX parley.${name}`);
		await session.statement("BEGIN");
		await session.statement(`LOCK TABLE ${on} IN ROW EXCLUSIVE MODE`);
		await cutShort((sql) => psql(database, sql), name, definition.replace(" INDEX ", " INDEX CONCURRENTLY "));
		await session.statement("ROLLBACK");
		assert.equal(await psql(database, `SELECT indisvalid FROM pg_index WHERE indexrelid = 'parley.${name}'::regclass`), "f", name);
		const said = await answers();
		for (const call of Object.keys(calls))
			if (said[call] !== sound[call]) assert.match(said[call], /^ERROR:  (index|the primary key).* cannot be used|no unique or exclusion constraint/, `${name}: ${call} was ${sound[call]}`);
		await psql(database, `REINDEX INDEX CONCURRENTLY parley.${name}`);
		assert.deepEqual(await answers(), sound, name);
	}
});
