// Search reads the pages of its index by itself, and its tables without the executor. Others write, empty the pending list, split pages
// and vacuum them away at the same time, or have maintenance done on the tables, and every answer still is what it would be at rest.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Cluster } from "../support/clusters.mjs";
import { program } from "../support/database.mjs";
import { Session } from "../support/psql_session.mjs";

const seconds = 15;
const words = "alder birch cedar elm fir hazel juniper larch maple oak pine rowan spruce willow yew".split(" ");
const terms = ["oak", "maple elm", "q", "er", "seldom", "fir fir fir", "larch-1", "absent", "junip"];

// A text of some of the words; a hundredth has one that is rare.
const text = `(SELECT string_agg((ARRAY['${words.join("','")}'])[1 + floor(random() * ${words.length})::integer], ' ')
	|| '-' || i || CASE WHEN i % 100 = 0 THEN ' seldom' ELSE '' END FROM generate_series(1, 6 + i % 3))`;

// The terms whose answer differs from plain SQL's: page 1, or the one after a cursor. All sees the snapshot of this statement.
const pages = (size, cursor) => `SELECT term FROM unnest(ARRAY['${terms.join("','")}']) term,
	LATERAL (SELECT max(next_cursor) FILTER (WHERE place = ${size}) AS cursor FROM (
		SELECT next_cursor, row_number() OVER () AS place FROM parley.recent_conversations(term, page_size => ${size})) p) first
	WHERE (${!cursor} OR cursor IS NOT NULL)
		AND ARRAY(SELECT (conversation_id, message_id)::text FROM parley.recent_conversations(term, page_size => ${size}${cursor ? ", cursor => cursor" : ""}))
		<> ARRAY(SELECT (conversation_id, number)::text FROM (
			SELECT DISTINCT ON (conversation_id) conversation_id, number, created_at FROM parley.messages
			WHERE content LIKE '%' || term || '%' ORDER BY conversation_id, created_at DESC, number DESC) m
			ORDER BY created_at DESC, conversation_id DESC OFFSET ${cursor ? size : 0} LIMIT ${size})`;

test("answers_stay_exact_while_the_index_is_written_and_vacuumed", { timeout: 180000 }, async (t) => {
	const cluster = await Cluster.create(t, ["autovacuum = off", "gin_pending_list_limit = 64", "synchronous_commit = off"]);
	await cluster.psql(`
		INSERT INTO parley.contacts (name) SELECT 'Contact' FROM generate_series(1, 150);
		INSERT INTO parley.conversations (kind, contact_id) SELECT 'contact', id FROM parley.contacts;
		INSERT INTO parley.messages (conversation_id, number, created_at, content)
			SELECT c.id, g, now() - (400 - g) * interval '1 minute', ${text}
			FROM generate_series(1, 300) g, parley.conversations c, LATERAL (SELECT g * 150 + c.id AS i) i ORDER BY g, c.id;
		SELECT parley.rebuild_conversations();
		CREATE FUNCTION remove_messages(first bigint) RETURNS void LANGUAGE sql AS 'DELETE FROM parley.messages WHERE number BETWEEN first AND first + 2'`);
	const until = Date.now() + seconds * 1000;
	const done = { posts: 0, removals: 0, vacuums: 0, answers: 0 };
	const wrong = [];

	// Does it again and again, in a session of its own, until the time is over.
	const repeat = async (what, query, look = () => {}) => {
		const session = new Session(cluster.env);
		t.after(() => session.close());
		while (Date.now() < until && wrong.length === 0) {
			const rows = await session.rows(query());
			assert.ok(Array.isArray(rows), `${what}: ${rows.error}`);
			look(rows);
			done[what]++;
		}
	};
	const post = () => `SELECT count(parley.post_message(c.id, ${text})) FROM parley.conversations c, LATERAL (SELECT c.id + ${done.posts} AS i) i`;
	// What lies together goes together, from the middle on, so that whole pages of the lists become empty, and are taken out.
	const remove = () => `SELECT remove_messages(100 + 3 * ${done.removals}), pg_sleep(0.1)::text`;
	const vacuum = async () => {
		for (; Date.now() < until; done.vacuums++) await cluster.psql("VACUUM (INDEX_CLEANUP on) parley.messages");
	};
	const compare = (rows) => wrong.push(...rows);
	await Promise.all([repeat("posts", post), repeat("removals", remove), vacuum(),
		repeat("answers", () => pages(200, false), compare), repeat("answers", () => pages(40, true), compare)]);

	assert.deepEqual(wrong, []);
	assert.ok(done.posts > 10 && done.removals > 10 && done.vacuums > 3 && done.answers > 5, JSON.stringify(done));
	await cluster.psql("CREATE EXTENSION pageinspect");
	const deleted = await cluster.psql(`SELECT count(*) FROM generate_series(1, pg_relation_size('parley.messages_grams') / 8192 - 1) page
		WHERE 'deleted' = ANY ((gin_page_opaque_info(get_raw_page('parley.messages_grams', page::integer))).flags)`);
	assert.ok(Number(deleted) > 0, "no page of the index was deleted");
	t.diagnostic(`${JSON.stringify(done)}, ${deleted} pages deleted`);
});

// Every list: a page for a term, and the page after its cursor.
const calls = {
	operator: "parley.recent_conversations(term, page_size => 7, cursor => after)",
	user_of_few: `parley.list_user_conversations((SELECT min(id) FROM parley.contacts), term, "limit" => 7, cursor => after)`,
	user_of_many: `parley.list_user_conversations((SELECT max(id) FROM parley.contacts), term, "limit" => 7, cursor => after)`,
};
const page = (call, after) => `LATERAL (SELECT array_agg(conversation_id || '.' || message_id) AS rows, (array_agg(next_cursor))[7] AS next
	FROM (SELECT ${after}::text AS after) c, LATERAL ${call} r)`;
const lists = [...Object.values(calls).map((call) => (term) => `SELECT first.rows, following.rows AS after
	FROM (SELECT '${term}' AS term) t, ${page(call, "NULL")} first, ${page(call, "first.next")} following`),
	(term) => `SELECT array(SELECT number FROM parley.search_chat(token, 1, '${term}')) AS rows, array(SELECT number
		FROM parley.search_chat(token, 1, '${term}', last_id => 300)) AS after FROM parley.applications`];
const searches = lists.flatMap((list) => ["oak", "q", "elm fir", "ann 1", "55501", "absent"].map(list));

test("searches_outlive_maintenance_of_every_table", { timeout: 180000 }, async (t) => {
	const cluster = await Cluster.create(t, ["autovacuum = off", "synchronous_commit = off"]);
	await cluster.psql(`
		INSERT INTO parley.contacts (name, phone) SELECT 'Ann ' || i, '+1 555 01' || 1000 + i FROM generate_series(1, 300) i;
		INSERT INTO parley.conversations (kind, contact_id) SELECT 'contact', id FROM parley.contacts;
		INSERT INTO parley.conversations (kind, low_contact_id, high_contact_id)
			SELECT 'direct', a.id, b.id FROM parley.contacts a JOIN parley.contacts b ON a.id < b.id AND (b.id - a.id = 1 OR b.name = 'Ann 300');
		SELECT parley.create_chat(token) FROM parley.create_application('app');
		INSERT INTO parley.members (conversation_id, contact_id) SELECT id, m FROM parley.conversations, unnest(ARRAY[contact_id, low_contact_id, high_contact_id]) m WHERE m IS NOT NULL;
		INSERT INTO parley.messages (conversation_id, number, created_at, content)
			SELECT c.id, g, now() - (400 - g) * interval '1 minute', ${text}
			FROM parley.conversations c, generate_series(1, CASE kind WHEN 'chat' THEN 400 ELSE 10 END) g, LATERAL (SELECT g * 150 + c.id AS i) i ORDER BY g, c.id;
		SELECT parley.rebuild_conversations()`);
	const tables = (await cluster.psql(`SELECT objid::regclass FROM pg_depend JOIN pg_class c ON c.oid = objid
		WHERE refobjid = (SELECT oid FROM pg_extension WHERE extname = 'parley') AND classid = 'pg_class'::regclass AND relkind = 'r' ORDER BY 1`)).split("\n");
	assert.ok(tables.includes("parley.members") && tables.includes("parley.transactions"), tables.join());
	const until = Date.now() + seconds * 1000;
	const done = { auto: 0, walk: 0, index: 0, maintenance: 0, contacts: 0, conversations: 0, members: 0, messages: 0 };

	const search = async (method, few) => {
		const session = new Session({ ...cluster.env, PGOPTIONS: `-c parley.search_method=${method} -c parley.search_user_conversations=${few}` });
		const answers = [];
		t.after(() => session.close());
		for (; Date.now() < until; done[method]++)
			for (const [i, query] of searches.entries()) {
				const rows = await session.rows(query);
				assert.ok(Array.isArray(rows), `${query}: ${rows.error}`);
				assert.deepEqual(rows, (answers[i] ??= rows));
			}
		return answers;
	};
	const run = (...statements) => program("psql", ["-XAtq", "-v", "ON_ERROR_STOP=1", ...statements.flatMap((statement) => ["-c", statement])], cluster.env);
	const maintain = async () => {
		for (; Date.now() < until; done.maintenance++)
			for (const table of tables)
				await run(`ANALYZE ${table}`, `REINDEX TABLE CONCURRENTLY ${table}`, `ALTER TABLE ${table} ADD COLUMN note text`,
					`ALTER TABLE ${table} DROP COLUMN note`, `VACUUM FULL ${table}`);
	};
	// A row's new version leaves a dead one, so that VACUUM has something to take away and to tell everyone.
	const vacuum = async (table, column) => {
		const statements = [`UPDATE parley.${table} SET ${column} = ${column} WHERE ctid IN (SELECT ctid FROM parley.${table} LIMIT 1000)`, `VACUUM parley.${table}`];
		for (; Date.now() < until; done[table]++) await run(...Array(10).fill(statements).flat());
	};
	const answers = await Promise.all([search("auto", 2000), search("walk", 100), search("index", 0), maintain(),
		vacuum("contacts", "name"), vacuum("conversations", "kind"), vacuum("members", "read_number"), vacuum("messages", "sender_id")]);
	assert.deepEqual(answers[1], answers[0]);
	assert.deepEqual(answers[2], answers[0]);
	assert.ok(answers[0].filter(([row]) => row.rows?.length > 0 && row.after?.length > 0).length > 8, JSON.stringify(answers[0]));
	assert.ok(Object.values(done).every((times) => times > 0), JSON.stringify(done));
	t.diagnostic(JSON.stringify(done));
});
