// The operator's side of conversations over HTTP: agents, cases, the read horizon, edits and deletions.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assertProblem, request } from "../support/http.mjs";
import { created, expectStatus, got, nobody, phone, rfc3339, word } from "../support/people.mjs";

async function talk(...contents) {
	const contact = await created("POST /contacts", { name: word(), phone: phone() });
	const { id } = await created(`POST /contacts/${contact.id}/conversation`);
	for (const content of contents) await created(`POST /conversations/${id}/messages`, { content, sender_id: contact.id });
	return { id, contact, path: `/conversations/${id}` };
}

const put = async (path, body) => (await expectStatus(200, "PUT " + path, body)).body;

test("agents_are_made_changed_and_listed", async () => {
	const [name, email] = [word(), `${word()}@example.org`];
	const agent = await created("POST /agents", { name, email });
	assert.match(agent.created_at, rfc3339);
	assert.deepEqual((await got("/agents")).find((row) => row.id === agent.id), agent);
	assert.equal((await put(`/agents/${agent.id}`, { name: "Other " + name })).name, "Other " + name);
	assert.match((await put(`/agents/${agent.id}`, { disabled: true })).disabled_at, rfc3339);
	assertProblem(await request("POST /agents", { name, email: email.toUpperCase() }), 409);
	assertProblem(await request("POST /agents", { name }), 422);
	assertProblem(await request(`PUT /agents/${nobody}`, { name }), 404);
});

test("case_is_set_field_by_field_and_the_contact_opens_it_again", async () => {
	const { id, contact, path } = await talk("hello");
	const agent = await created("POST /agents", { name: word(), email: `${word()}@example.org` });
	const none = { conversation_id: id, status: "open", snoozed_until: null, assignee_id: null, labels: [] };
	assert.deepEqual((await got(path)).case, none);
	assert.deepEqual(await put(`${path}/case`, { assignee_id: agent.id, labels: ["vip", "billing"] }),
		{ ...none, assignee_id: agent.id, labels: ["billing", "vip"] });
	const until = new Date(Date.now() + 3600000).toISOString();
	const snoozed = await put(`${path}/case`, { status: "snoozed", snoozed_until: until });
	assert.equal(snoozed.status, "snoozed");
	assert.equal(Date.parse(snoozed.snoozed_until), Date.parse(until));
	assert.deepEqual((await got(path)).case, snoozed);
	await created(`POST ${path}/messages`, { content: "still there?", sender_id: contact.id });
	assert.equal((await got(path)).case.status, "open");
	assert.deepEqual(await put(`${path}/case`, { assignee_id: 0, labels: [] }), none);
});

test("case_that_makes_no_sense_is_refused_by_field", async () => {
	const { path } = await talk();
	for (const [body, field] of [[{ status: "gone" }, "status"], [{ status: "snoozed" }, "snoozed_until"], [{ labels: [1] }, "labels"],
		[{ labels: ["x".repeat(51)] }, "labels"], [{ status: "snoozed", snoozed_until: "2001-01-01T00:00:00Z" }, "snoozed_until"]]) {
		const problem = assertProblem(await request(`PUT ${path}/case`, body), 422);
		assert.deepEqual(problem.errors.map((error) => error.field), [field], JSON.stringify(body));
	}
	assertProblem(await request(`PUT ${path}/case`, { assignee_id: nobody }), 422);
	assertProblem(await request(`PUT /conversations/${nobody}/case`, { status: "open" }), 404);
});

test("operator_reads_edits_and_deletes", async () => {
	const { path } = await talk("one", "two");
	assert.deepEqual(await put(`${path}/read`, { message_id: 1 }), { read: 1, unread: 1 });
	assert.deepEqual(await put(`${path}/read`, { message_id: 2 }), { read: 2, unread: 0 });
	assertProblem(await request(`PUT ${path}/read`, { message_id: 3 }), 404);
	const own = await created(`POST ${path}/messages`, { content: "three" });
	const edited = await put(`${path}/messages/${own.message_id}`, { content: "drei" });
	assert.equal(edited.content, "drei");
	assert.match(edited.edited_at, rfc3339);
	assertProblem(await request(`PUT ${path}/messages/1`, { content: "forged" }), 403);
	assertProblem(await request(`DELETE ${path}/messages/1`), 403);
	await expectStatus(204, `DELETE ${path}/messages/${own.message_id}`);
	const [gone] = (await got(`${path}/messages?sort=desc&limit=1`));
	assert.equal(gone.content, null);
	assert.match(gone.deleted_at, rfc3339);
	assertProblem(await request(`PUT ${path}/messages/${own.message_id}`, { content: "again" }), 409);
});
