// Fixtures for the tests of chat and applications, made over HTTP: users who talk, applications with chats. No fixed names are
// used.

import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { psql } from "./database.mjs";
import { links, request } from "./http.mjs";

export const word = () => "w" + randomBytes(8).toString("hex");
export const phone = () => "+49 " + randomInt(1e12, 9e12);
export const key = (name = word()) => ({ "idempotency-key": name });
export const nobody = Number.MAX_SAFE_INTEGER;
export const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/;

export async function expectStatus(status, line, body, headers) {
	const answer = await request(line, body, headers);
	assert.equal(answer.status, status, `${line}: ${JSON.stringify(answer.body)}`);
	return answer;
}

export const created = async (line, body, headers) => (await expectStatus(201, line, body, headers)).body;
export const got = async (path) => (await expectStatus(200, "GET " + path)).body;

export const user = (name = word()) => created("POST /users", { phone: phone(), name });

// Creates two users and their conversation, with a message of the first user for each content.
export async function pair(...contents) {
	const [ann, bob] = [await user(), await user()];
	const { id } = await created(`POST /users/${ann.id}/conversations`, { recipient_id: bob.id });
	const talk = { id, ann, bob, of: (member) => `/users/${member.id}/conversations/${id}` };
	for (const content of contents) await created(`POST ${talk.of(ann)}/messages`, { content });
	return talk;
}

// A contact's conversation with the operator, and a message in it for each content. Contents that start with < are from the
// contact.
export async function conversation(name, ...contents) {
	const contact = await created("POST /contacts", { name, phone: phone() });
	const { id } = await created(`POST /contacts/${contact.id}/conversation`);
	for (const content of contents)
		await created(`POST /conversations/${id}/messages`,
			content.startsWith("<") ? { content: content.slice(1), sender_id: contact.id } : { content });
	return { id, contact };
}

// Returns the path of a new application, or of a new chat in one.
export const application = async (name = word()) => `/applications/${(await created("POST /applications", { name })).token}`;
export async function chat(owner, ...contents) {
	const path = `${owner}/chats/${(await created(`POST ${owner}/chats`)).number}`;
	for (const content of contents) await created(`POST ${path}/messages`, { content });
	return path;
}

// Returns all rows of a list, by following rel="next" to the end.
export async function walk(path) {
	const rows = [];
	for (let target = path, pages = 0; target !== undefined; pages++) {
		const answer = await expectStatus(200, "GET " + target);
		assert.ok(pages < 100, "the links go round in circles");
		if (pages > 0) assert.notEqual(answer.body.length, 0, `${target} was promised to have rows`);
		rows.push(...answer.body);
		target = links(answer).next;
	}
	return rows;
}

export async function assertAuditIsEmpty(env) {
	assert.equal(await psql("parley", "SELECT * FROM parley.audit_conversations()", env), "");
}
