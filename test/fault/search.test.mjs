// Search reads the pages of its index by itself. Others write, empty the pending list, split pages and vacuum them away at the same
// time, and every answer still is what plain SQL says of the same snapshot.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Cluster } from "../support/clusters.mjs";
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
