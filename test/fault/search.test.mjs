// Search reads the pages of its indexes itself, and its tables without the executor. At the same time others write, empty the
// pending list, split pages and vacuum them away, or do maintenance on the tables. Every result must still be what it would be at
// rest.

import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Cluster } from "../support/clusters.mjs";
import { program } from "../support/database.mjs";
import { until } from "../support/http.mjs";
import { cutShort } from "../support/indexes.mjs";
import { Session } from "../support/psql_session.mjs";

const seconds = 15;
const words = "alder birch cedar elm fir hazel juniper larch maple oak pine rowan spruce willow yew".split(" ");
const terms = ["oak", "maple elm", "q", "er", "seldom", "fir fir fir", "larch-1", "absent", "junip"];

// A text consisting of some of the words. One in a hundred contains a rare word.
const text = `(SELECT string_agg((ARRAY['${words.join("','")}'])[1 + floor(random() * ${words.length})::integer], ' ')
	|| '-' || i || CASE WHEN i % 100 = 0 THEN ' seldom' ELSE '' END FROM generate_series(1, 6 + i % 3))`;

// Returns the terms whose result differs from plain SQL: page 1, or the page after a cursor. All of it uses the snapshot of this
// statement.
const pages = (size, cursor) => `SELECT term FROM unnest(ARRAY['${terms.join("','")}']) term,
	LATERAL (SELECT max(next_cursor) FILTER (WHERE place = ${size}) AS cursor FROM (
		SELECT next_cursor, row_number() OVER () AS place FROM parley.recent_conversations(term, page_size => ${size})) p) first
	WHERE (${!cursor} OR cursor IS NOT NULL)
		AND ARRAY(SELECT (conversation_id, message_id)::text FROM parley.recent_conversations(term, page_size => ${size}${cursor ? ", cursor => cursor" : ""}))
		<> ARRAY(SELECT (conversation_id, number)::text FROM (
			SELECT DISTINCT ON (conversation_id) conversation_id, number, created_at FROM parley.messages
			WHERE content LIKE '%' || term || '%' ORDER BY conversation_id, created_at DESC, number DESC) m
			ORDER BY created_at DESC, conversation_id DESC OFFSET ${cursor ? size : 0} LIMIT ${size})`;

test("answers_stay_exact_while_the_index_is_written_and_vacuumed", { timeout: 600000 }, async (t) => {
	const cluster = await Cluster.create(t, ["autovacuum = off", "gin_pending_list_limit = 64", "synchronous_commit = off"]);
	await cluster.psql(`
		INSERT INTO parley.contacts (name) SELECT 'Contact' FROM generate_series(1, 150);
		INSERT INTO parley.conversations (kind, contact_id) SELECT 'contact', id FROM parley.contacts;
		INSERT INTO parley.messages (conversation_id, number, created_at, content)
			SELECT c.id, g, now() - (400 - g) * interval '1 minute', ${text}
			FROM generate_series(1, 300) g, parley.conversations c, LATERAL (SELECT g * 150 + c.id AS i) i ORDER BY g, c.id;
		SELECT parley.rebuild_conversations();
		CREATE FUNCTION remove_messages(first bigint) RETURNS void LANGUAGE sql AS 'DELETE FROM parley.messages WHERE number BETWEEN first AND first + 2'`);
	await cluster.psql("CREATE EXTENSION pageinspect");
	const end = Date.now() + seconds * 1000;
	const done = { posts: 0, removals: 0, vacuums: 0, answers: 0, deleted: 0 };
	const wrong = [];
	// A slow machine takes longer, up to a bound.
	const isOver = () => Date.now() > end + 300000
		|| (Date.now() > end && done.posts > 10 && done.removals > 10 && done.vacuums > 3 && done.answers > 5 && done.deleted > 0);

	// Repeats this in its own session until the time is over.
	const repeat = async (what, query, look = () => {}) => {
		const session = new Session(cluster.env);
		t.after(() => session.close());
		while (!isOver() && wrong.length === 0) {
			const rows = await session.rows(query());
			assert.ok(Array.isArray(rows), `${what}: ${rows.error}`);
			look(rows);
			done[what]++;
		}
	};
	const post = () => `SELECT count(parley.post_message(c.id, ${text})) FROM parley.conversations c, LATERAL (SELECT c.id + ${done.posts} AS i) i`;
	// Rows that are close together are deleted together, starting in the middle, so that whole pages of the lists become empty
	// and are deleted.
	const remove = () => `SELECT remove_messages(100 + 3 * ${done.removals}), pg_sleep(0.1)::text`;
	const countDeleted = `SELECT count(*) FROM generate_series(1, pg_relation_size('parley.messages_grams') / 8192 - 1) page
		WHERE 'deleted' = ANY ((gin_page_opaque_info(get_raw_page('parley.messages_grams', page::integer))).flags)`;
	const vacuum = async () => {
		for (; !isOver() && wrong.length === 0; done.vacuums++) {
			await cluster.psql("VACUUM (INDEX_CLEANUP on) parley.messages");
			if (Date.now() > end) done.deleted = Number(await cluster.psql(countDeleted));
		}
	};
	const compare = (rows) => wrong.push(...rows);
	await Promise.all([repeat("posts", post), repeat("removals", remove), vacuum(),
		repeat("answers", () => pages(200, false), compare), repeat("answers", () => pages(40, true), compare)]);

	assert.deepEqual(wrong, []);
	assert.ok(done.posts > 10 && done.removals > 10 && done.vacuums > 3 && done.answers > 5, JSON.stringify(done));
	assert.ok(done.deleted > 0, "no page of the index was deleted");
	t.diagnostic(JSON.stringify(done));
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

test("searches_outlive_maintenance_of_every_table", { timeout: 600000 }, async (t) => {
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
	const end = Date.now() + seconds * 1000;
	const done = { auto: 0, walk: 0, index: 0, maintenance: 0, contacts: 0, conversations: 0, members: 0, messages: 0 };

	const search = async (method, few) => {
		const session = new Session({ ...cluster.env, PGOPTIONS: `-c parley.search_method=${method} -c parley.search_user_conversations=${few}` });
		const answers = [];
		t.after(() => session.close());
		for (; Date.now() < end; done[method]++)
			for (const [i, query] of searches.entries()) {
				const rows = await session.rows(query);
				assert.ok(Array.isArray(rows), `${query}: ${rows.error}`);
				assert.deepEqual(rows, (answers[i] ??= rows));
			}
		return answers;
	};
	const run = (...statements) => program("psql", ["-XAtq", "-v", "ON_ERROR_STOP=1", ...statements.flatMap((statement) => ["-c", statement])], cluster.env);
	const maintain = async () => {
		for (; Date.now() < end; done.maintenance++)
			for (const table of tables)
				await run(`ANALYZE ${table}`, `REINDEX TABLE CONCURRENTLY ${table}`, `ALTER TABLE ${table} ADD COLUMN note text`,
					`ALTER TABLE ${table} DROP COLUMN note`, `VACUUM FULL ${table}`);
	};
	// A new version of a row leaves a dead one, so that VACUUM has something to remove.
	const vacuum = async (table, column) => {
		const statements = [`UPDATE parley.${table} SET ${column} = ${column} WHERE ctid IN (SELECT ctid FROM parley.${table} LIMIT 1000)`, `VACUUM parley.${table}`];
		for (; Date.now() < end; done[table]++) await run(...Array(10).fill(statements).flat());
	};
	const answers = await Promise.all([search("auto", 2000), search("walk", 100), search("index", 0), maintain(),
		vacuum("contacts", "name"), vacuum("conversations", "kind"), vacuum("members", "read_number"), vacuum("messages", "sender_id")]);
	assert.deepEqual(answers[1], answers[0]);
	assert.deepEqual(answers[2], answers[0]);
	assert.ok(answers[0].filter(([row]) => row.rows?.length > 0 && row.after?.length > 0).length > 8, JSON.stringify(answers[0]));
	assert.ok(Object.values(done).every((times) => times > 0), JSON.stringify(done));
	t.diagnostic(JSON.stringify(done));
});

// A cluster with messages in the index's pending list, and a long list for a word that is in each of them.
async function clusterWithLongLists(t, messages, settings = [], hashes = 1) {
	const cluster = await Cluster.create(t, ["autovacuum = off", "synchronous_commit = off", "gin_pending_list_limit = 2GB", ...settings]);
	await cluster.psql(`
		INSERT INTO parley.contacts (name, phone) SELECT 'Contact ' || i, '+1 555 ' || 1000000 + i FROM generate_series(1, 1000) i;
		INSERT INTO parley.conversations (kind, contact_id) SELECT 'contact', id FROM parley.contacts;
		INSERT INTO parley.messages (conversation_id, number, created_at, content)
			SELECT ids[1 + i % 1000], 1 + i / 1000, now() + i * interval '1 second', (SELECT string_agg(md5(concat(i, h)), '') FROM generate_series(1, ${hashes}) h) || ' wattle ' || i
			FROM (SELECT array_agg(id ORDER BY id) AS ids FROM parley.conversations) c, generate_series(0, ${messages - 1}) i ORDER BY i;
		SELECT parley.rebuild_conversations()`);
	return cluster;
}

test("a_search_is_cancelled_within_a_tenth_of_a_second", { timeout: 900000 }, async (t) => {
	// A text with this many letters has nearly all possible trigrams, so the list has hundreds of megabytes, far more than there are
	// buffers.
	const cluster = await clusterWithLongLists(t, 5000, ["fsync = off", "max_wal_size = 4GB", "shared_buffers = 16MB"], 300);
	const session = new Session({ ...cluster.env, PGOPTIONS: "-c parley.search_method=index" });
	t.after(() => session.close());
	const answer = async (query, timeout) => {
		await session.rows(`SELECT set_config('statement_timeout', '${timeout}', false)`);
		const began = performance.now();
		const rows = await session.rows(query);
		return { rows, took: performance.now() - began };
	};
	// In the middle of its work. Waiting for the processor is not its fault, so the best of several attempts counts.
	for (const query of ["SELECT * FROM parley.recent_conversations('absent')", "SELECT * FROM parley.search_conversation((SELECT min(id) FROM parley.conversations), 'absent', 1000, 1)"]) {
		await answer(query, 0);
		const times = [];
		for (let tries = 0; tries < 3; tries++) {
			const whole = await answer(query, 0);
			assert.ok(Array.isArray(whole.rows), `${query}: ${whole.rows.error}`);
			times.push(whole.took);
		}
		assert.ok(Math.min(...times) > 50, `${query} took ${times} ms`);
		const timeout = Math.round(Math.min(...times) / 3);
		const delays = [];
		for (let tries = 0; tries < 20 && !delays.some((delay) => delay < 100); tries++) {
			const { rows, took } = await answer(query, timeout);
			if (rows.error === "57014") delays.push(took - timeout);
		}
		t.diagnostic(`${times} ms in all, cancelled after ${timeout} ms and ${delays.join(", ")}`);
		assert.ok(Math.min(...delays) < 100, `${query}: ${delays}`);
	}
});

test("an_index_whose_building_was_cut_short_is_left_alone", { timeout: 300000 }, async (t) => {
	const cluster = await clusterWithLongLists(t, 2000);
	const found = () => cluster.psql("SET parley.search_method = index; SELECT count(*) FROM parley.recent_conversations('wattle', page_size => 200)");
	await cluster.psql("DROP INDEX parley.messages_grams");
	// A transaction that has written, and waits for us, delays building the index.
	const holder = new Session(cluster.env);
	t.after(() => holder.close());
	await holder.rows("SELECT pg_advisory_lock(1)::text");
	const writer = program("psql", ["-XAtq", "-c", "BEGIN", "-c", "UPDATE parley.messages SET sender_id = NULL WHERE number = 1", "-c", "SELECT pg_advisory_lock(1)"], cluster.env);
	await until(async () => await cluster.psql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") === "1", "the writer waits");
	await cutShort((sql) => cluster.psql(sql), "messages_grams", "CREATE INDEX CONCURRENTLY messages_grams ON parley.messages USING gin (content parley.gram_ops)");
	assert.equal(await cluster.psql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'parley.messages_grams'::regclass"), "f");
	assert.equal(await found(), "200");
	await holder.rows("SELECT pg_advisory_unlock(1)");
	await writer;
	await cluster.psql("REINDEX INDEX CONCURRENTLY parley.messages_grams");
	assert.equal(await found(), "200");
});

// On a standby nothing prevents a page of the index from being recycled while a search is about to read it. Here all of them
// were.
test("a_page_that_was_put_to_another_use_is_noticed", { timeout: 300000 }, async (t) => {
	const cluster = await clusterWithLongLists(t, 20000, ["wal_level = replica", "ignore_checksum_failure = on"]);
	await cluster.psql("VACUUM parley.messages");
	await cluster.psql("CREATE EXTENSION pageinspect");
	const pages = (await cluster.psql(`SELECT page || ' ' || array_to_string(flags, ',') FROM generate_series(1, pg_relation_size('parley.messages_grams') / 8192 - 1) page,
		gin_page_opaque_info(get_raw_page('parley.messages_grams', page::integer)) ORDER BY page`)).split("\n").map((line) => line.split(" "));
	const file = join(cluster.data, await cluster.psql("SELECT pg_relation_filepath('parley.messages_grams')"));
	await cluster.stop();
	const index = readFileSync(file);
	const other = pages.find(([, flags]) => flags === "leaf")[0] * 8192;
	for (const [page, flags] of pages) if (flags.startsWith("data,leaf")) index.copy(index, page * 8192, other, other + 8192);
	writeFileSync(file, index);
	const found = async () => {
		await cluster.start();
		const session = new Session({ ...cluster.env, PGOPTIONS: "-c parley.search_method=index" });
		const answer = await session.rows("SELECT * FROM parley.recent_conversations('wattle')");
		await session.close();
		await cluster.stop();
		return answer;
	};
	assert.deepEqual(await found(), { error: "XX002" });
	closeSync(openSync(join(cluster.data, "standby.signal"), "w"));
	assert.deepEqual(await found(), { error: "40001" });
});
