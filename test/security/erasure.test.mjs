// Nobody can read an erased contact once the erasure has committed. Once the remains are removed, not even a superuser with the
// files can.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { createDatabase, psql } from "../support/database.mjs";
import { request } from "../support/http.mjs";
import { created, expectStatus, got, pair } from "../support/people.mjs";

const cluster = join(process.env.PARLEY_RUN_DIR, "cluster");
const superuser = (statement) => psql("parley", statement);

// Returns the files of the cluster that contain one of the words: data, statistics, the server's log and the gateways'. The WAL
// contains it until its files are overwritten.
function files_with(words) {
	const grep = ["-rlaiF", "--exclude-dir=pg_wal", "--exclude-dir=socket", ...words.flatMap((word) => ["-e", word]), cluster];
	try {
		return execFileSync("grep", grep, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim().split("\n");
	} catch (error) {
		if (error.stdout !== "") throw error;
		return [];
	}
}

// Returns the tables and indexes with a page that contains one of the words outside its free space.
const relations_with = (words) => superuser(`SELECT coalesce(string_agg(DISTINCT c.oid::regclass::text, ' '), '')
	FROM pg_class c
		CROSS JOIN LATERAL generate_series(0, pg_relation_size(c.oid) / current_setting('block_size')::integer - 1) block
		CROSS JOIN LATERAL get_raw_page(c.oid::regclass::text, block::integer) page
		CROSS JOIN LATERAL page_header(page) h
	WHERE c.relkind IN ('r', 'i', 't', 'm') AND c.relpersistence = 'p' AND h.upper > 0 AND EXISTS (
		SELECT FROM unnest(ARRAY['${words.join("', '")}']) word WHERE position(convert_to(word, 'UTF8') IN substr(page, 1, h.lower) || substr(page, h.upper + 1)) > 0)`);

test("what_is_erased_is_nowhere", async () => {
	const word = () => randomBytes(12).toString("hex");
	const [name, email, note, one, two, account] = [word(), word(), word(), word(), word(), word()];
	const digits = `49${randomInt(1e9, 9e9)}${randomInt(100, 999)}`;
	const words = [name, email, note, one, two, account, digits];

	const { id, ann, bob, of } = await pair();
	await expectStatus(200, `PUT /contacts/${ann.id}`, { name, phone: `+${digits}`, email: `${email}@example.org`, attributes: { note } });
	await created(`POST ${of(ann)}/messages`, { content: `hello ${one}` }, { "idempotency-key": "one" });
	const { message_id } = await created(`POST ${of(ann)}/messages`, { content: "to be edited" });
	await expectStatus(200, `PUT ${of(ann)}/messages/${message_id}`, { content: `edited ${two}` });
	await created(`POST /users/${ann.id}/accounts`, { currency: "EUR", name: account });
	const { cursor } = await got(`/users/${bob.id}/sync`);
	await superuser("CREATE EXTENSION IF NOT EXISTS pageinspect");
	await superuser("ANALYZE parley.contacts, parley.messages, parley.accounts");
	await superuser("CHECKPOINT");
	// First make sure that the words which the rest of the test looks for can be found.
	for (const each of words) assert.notEqual(files_with([each]).length, 0, each);
	assert.match(await relations_with(words), /parley.messages/);
	const sampled = () => superuser(`SELECT count(*) FROM pg_stats s, unnest(ARRAY['${words.join("', '")}']) word WHERE position(word IN s::text) > 0`);
	assert.notEqual(await sampled(), "0");

	const receipt = (await expectStatus(200, `POST /contacts/${ann.id}/erasure`)).body;
	assert.deepEqual([receipt.contact_id, receipt.fields, receipt.messages, receipt.account_names], [ann.id, ["name", "phone", "email", "attributes"], 2, 1]);
	assert.deepEqual((await expectStatus(200, `POST /contacts/${ann.id}/erasure`)).body, receipt);
	for (const each of words)
		for (const list of ["/contacts", "/conversations", `/users/${bob.id}/conversations`]) assert.deepEqual(await got(`${list}?searchValue=${each}`), [], list);
	for (const path of [`/contacts/${ann.id}`, `/conversations/${id}`, `${of(bob)}/messages`, `/users/${ann.id}`, `/users/${bob.id}/sync`])
		{
		const text = JSON.stringify(await got(path));
		assert.ok(!words.some((each) => text.includes(each)), path);
	}
	const { messages } = await got(`/users/${bob.id}/sync?cursor=${encodeURIComponent(cursor)}`);
	assert.deepEqual(messages.map((message) => [message.message_id, message.content, message.deleted_at !== null]), [[1, null, true], [2, null, true]]);

	assert.match(await superuser("SELECT string_agg(what, ', ') FROM parley.erasure_pending()"), /old rows of parley.messages/);
	for (const statement of (await superuser("SELECT parley.scrub()")).split("\n")) await superuser(statement);
	await superuser("CHECKPOINT");
	assert.equal(await superuser("SELECT string_agg(what, ', ') FROM parley.erasure_pending()"), "");
	assert.equal(await relations_with(words), "");
	assert.equal(await sampled(), "0");
	assert.equal(await superuser(`SELECT count(*) FROM pg_stat_activity a, unnest(ARRAY['${words.slice(0, -1).join("', '")}']) word
		WHERE a.pid <> pg_backend_pid() AND position(word IN a::text) > 0`), "0");

	// Free space within pages is overwritten eventually, or at once on request.
	await superuser("VACUUM FULL parley.contacts, parley.messages, parley.accounts, pg_catalog.pg_statistic");
	await superuser("CHECKPOINT");
	assert.deepEqual(files_with(words), []);
});

test("messages_of_an_age_are_erased_in_batches_and_counted", async (t) => {
	const database = await createDatabase(t, "erase_messages");
	const ask = (statement) => psql(database, statement);
	await ask(`CREATE EXTENSION parley CASCADE;
		SELECT parley.post_message(o.id, 'old ' || n) FROM parley.create_contact('Ann') c, parley.open_contact_conversation(c.id) o, generate_series(1, 25) n;
		SELECT parley.post_chat_message(a.token, 1, 'old chat') FROM parley.create_application('app') a, parley.create_chat(a.token)`);
	const before = await ask("SELECT clock_timestamp()");
	await ask("SELECT parley.post_message(id, 'new') FROM parley.conversations WHERE kind = 'contact'");
	const erase = (...more) => psql(database, `CALL parley.erase_messages('${before}'${more.map((value) => `, ${value}`).join("")})`,
		{ PGOPTIONS: "-c role=parley_operator" });
	assert.equal(await erase("'contact'", 7), "25");
	assert.equal(await ask("SELECT string_agg(content, ', ' ORDER BY content) FROM parley.messages"), "new, old chat");
	assert.equal(await erase(), "1");
	assert.equal(await erase(), "0");
	assert.equal(await ask("SELECT count(*) FROM parley.messages WHERE deleted_at IS NOT NULL"), "26");
	assert.equal(await ask("SELECT * FROM parley.audit_conversations()"), "");
});
