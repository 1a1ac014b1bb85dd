// What is left of what was deleted, and of phones and emails, where nobody would look for them.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createDatabase, psql } from "../support/database.mjs";
import { request } from "../support/http.mjs";

test("no_phone_or_email_stands_in_the_servers_log", async () => {
	const [phone, email] = [`+1${Math.floor(1e9 + Math.random() * 9e9)}`, `${randomUUID()}@traces.example`];
	for (const status of [201, 409]) assert.equal((await request("POST /contacts", { phone, email })).status, status);
	assert.equal((await request("POST /contacts", { email: email.toUpperCase() })).status, 409);
	assert.equal((await request("POST /users", { phone })).status, 409);
	const { body: contact } = await request("POST /contacts", { name: "Someone" });
	for (const body of [{ phone: phone.replace("+1", "+2") }, { email: `no-${email}` }])
		assert.equal((await request(`POST /users/${contact.id}/conversations`, body)).status, 404);
	const log = readFileSync(join(process.env.PARLEY_RUN_DIR, "cluster/postgres.log"), "utf8").toLowerCase();
	assert.ok(!log.includes(phone.slice(2)) && !log.includes(email));
});

test("scrub_takes_the_grams_of_deleted_texts_out_of_the_index", async (t) => {
	const database = await createDatabase(t, "traces_scrub");
	const entries = () => psql(database, "SELECT n_entries FROM gin_metapage_info(get_raw_page('parley.messages_grams', 0))");
	await psql(database, `CREATE EXTENSION parley CASCADE; CREATE EXTENSION pageinspect;
		SELECT parley.post_message(o.id, 'pin 4711, zebra quartz', idempotency_key => 'a key') FROM parley.create_contact('Ann') c, parley.open_contact_conversation(c.id) o;
		SELECT parley.post_message(id, 'pin 4712', idempotency_key => 'edited') FROM parley.conversations;
		SELECT parley.edit_message(id, 2, 'x') FROM parley.conversations;
		SELECT parley.delete_message(id, 1) FROM parley.conversations;
		UPDATE parley.messages SET idempotency_hash = 8247309482374 WHERE number = 2`);
	await psql(database, "VACUUM parley.messages");
	assert.ok(Number(await entries()) > 20, "VACUUM keeps them");
	for (const statement of (await psql(database, "SELECT parley.scrub()")).split("\n")) await psql(database, statement);
	await psql(database, "VACUUM parley.messages");
	assert.ok(Number(await entries()) < 5, await entries());
	assert.equal(await psql(database, "SELECT idempotency_hash FROM parley.messages ORDER BY number"), "22");
});
