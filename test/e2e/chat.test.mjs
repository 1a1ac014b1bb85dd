// Users, their direct conversations, messages, reading and sync over HTTP. Each test creates its own users.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { assertProblem, links, rawGet, request } from "../support/http.mjs";
import { assertAuditIsEmpty, created, expectStatus, got, key, nobody, pair, phone, rfc3339, user, walk, word } from "../support/people.mjs";

const ids = (messages) => messages.map((message) => message.message_id);
const contents = (messages) => messages.map((message) => message.content);
const count = (n) => Array.from({ length: n }, (_, index) => index + 1);
const atOnce = (n, make) => Promise.all(count(n).map(make));
const statuses = (answers) => answers.map((answer) => answer.status).sort();
const withoutRequestId = (answer) => ({ ...answer.body, request_id: undefined });
const fields = (problem) => problem.errors.map((error) => error.field).sort();

// Users.

test("user_is_registered_and_read_back", async () => {
	const given = { name: "Zoë " + word(), phone: "+1 (800) " + randomInt(1e9, 9e9), email: word() + "@example.org" };
	const made = await created("POST /users", given);
	assert.deepEqual(Object.keys(made), ["id", "name", "phone", "email", "created_at"]);
	assert.deepEqual({ name: made.name, phone: made.phone, email: made.email }, given);
	assert.match(made.created_at, rfc3339);
	assert.deepEqual(await got(`/users/${made.id}`), { ...made, totals: [], total: 0 });
});

test("user_without_a_phone_or_an_email_is_refused", async () => {
	assert.deepEqual(fields(assertProblem(await request("POST /users", { name: word() }), 422)), ["phone"]);
});

test("user_with_bad_fields_is_told_of_all_of_them", async () => {
	assert.deepEqual(fields(assertProblem(await request("POST /users", { name: "" }), 422)), ["name"]);
	assert.deepEqual(fields(assertProblem(await request("POST /users", { phone: "123456" }), 422)), ["phone"]);
	assert.deepEqual(fields(assertProblem(await request("POST /users", { phone: phone(), email: "nowhere" }), 422)), ["email"]);
	assertProblem(await request("POST /users", { phone: phone(), nickname: "A" }), 400);
	assertProblem(await request("POST /users", { phone: phone(), caller_phone: phone() }), 400);
});

test("one_phone_registered_at_once_is_taken_by_one", async () => {
	const digits = String(randomInt(1e9, 9e9));
	const answers = await atOnce(12, (n) => request("POST /users", { phone: n % 2 ? digits : `(${digits.slice(0, 3)}) ${digits.slice(3)}` }));
	assert.deepEqual(statuses(answers), [201, ...Array(11).fill(409)]);
	const problem = assertProblem(answers.find((answer) => answer.status === 409), 409);
	assert.deepEqual(fields(problem), ["phone"]);
});

test("email_is_taken_whatever_its_case", async () => {
	const email = word() + "@example.org";
	await created("POST /users", { phone: phone(), email });
	assert.deepEqual(fields(assertProblem(await request("POST /users", { phone: phone(), email: email.toUpperCase() }), 409)), ["email"]);
});

test("unknown_user_is_not_found", async () => {
	const { id } = await user();
	for (const line of [`GET /users/${nobody}`, `GET /users/${nobody}/conversations`, `GET /users/${nobody}/sync`])
		assertProblem(await request(line), 404);
	assertProblem(await request(`POST /users/${nobody}/conversations`, { recipient_id: id }), 404);
	assertProblem(await request("GET /users/me"), 422);
});

// Direct conversations.

test("conversation_is_opened_by_id_or_phone_and_then_found_by_either_side", async () => {
	const [ann, bob] = [await user(), await user()];
	const made = await created(`POST /users/${bob.id}/conversations`, { recipient_id: ann.id });
	assert.deepEqual(made, { id: made.id, kind: "direct", user1_id: ann.id, user2_id: bob.id, created_at: made.created_at });
	assert.match(made.created_at, rfc3339);
	const again = [
		[bob, { recipient_id: ann.id }],
		[ann, { recipient_id: bob.id }],
		[ann, { phone: bob.phone.replace(/\D/g, "") }],
	];
	for (const [from, body] of again)
		assert.deepEqual((await expectStatus(200, `POST /users/${from.id}/conversations`, body)).body, made);
});

test("conversation_opened_by_both_sides_at_once_is_one", async () => {
	const [ann, bob] = [await user(), await user()];
	const answers = await atOnce(16, (n) =>
		n % 2 ? request(`POST /users/${ann.id}/conversations`, { recipient_id: bob.id })
			: request(`POST /users/${bob.id}/conversations`, { phone: ann.phone }));
	assert.deepEqual(statuses(answers), [...Array(15).fill(200), 201]);
	assert.equal(new Set(answers.map((answer) => JSON.stringify(answer.body))).size, 1);
});

test("conversation_needs_one_other_known_user", async () => {
	const [ann, bob] = [await user(), await user()];
	const open = (body) => request(`POST /users/${ann.id}/conversations`, body);
	assert.deepEqual(fields(assertProblem(await open({ recipient_id: ann.id }), 422)), ["recipient_id"]);
	assert.deepEqual(fields(assertProblem(await open({ phone: ann.phone }), 422)), ["phone"]);
	assert.deepEqual(fields(assertProblem(await open({ recipient_id: nobody }), 404)), ["recipient_id"]);
	assert.deepEqual(fields(assertProblem(await open({ phone: phone() }), 404)), ["phone"]);
	assert.deepEqual(fields(assertProblem(await open({ phone: "123" }), 422)), ["phone"]);
	assertProblem(await open({ recipient_id: bob.id, phone: bob.phone }), 422);
	assertProblem(await open({}), 422);
});

test("operator_sees_a_direct_conversation_with_its_participants", async () => {
	const talk = await pair("first", "second");
	const cid = await created("POST /users", { phone: phone(), email: word() + "@example.org" });
	const shown = await got(`/conversations/${talk.id}`);
	assert.deepEqual(Object.keys(shown), ["id", "kind", "created_at", "last_message_id", "participants", "messages", "case"]);
	assert.deepEqual([shown.kind, shown.last_message_id, contents(shown.messages)], ["direct", 2, ["second", "first"]]);
	assert.deepEqual(shown.participants, [talk.ann, talk.bob].map(({ id, name, phone }) =>
		({ id, name, identifier: phone, type: "phone", read_message_id: id === talk.ann.id ? 2 : 0 })));
	const posted = await created(`POST /conversations/${talk.id}/messages`, { content: "for her", sender_id: talk.ann.id });
	assert.equal(posted.sender_id, talk.ann.id);
	assertProblem(await request(`POST /conversations/${talk.id}/messages`, { content: "not mine", sender_id: cid.id }), 404);
});

test("participant_known_by_email_alone_is_shown_by_it", async () => {
	const contact = await created("POST /contacts", { email: word() + "@example.org" });
	const { id } = await created(`POST /contacts/${contact.id}/conversation`);
	assert.deepEqual((await got(`/conversations/${id}`)).participants,
		[{ id: contact.id, name: null, identifier: contact.email, type: "email", read_message_id: 0 }]);
	assert.deepEqual((await got(`/conversations/${id}`)).messages, []);
});

// Messages.

test("message_is_answered_as_it_is_read", async () => {
	const talk = await pair();
	const content = "tab\t, \"quotes\", \\ and 🙂 \u0001";
	const posted = await created(`POST ${talk.of(talk.ann)}/messages`, { content });
	assert.deepEqual(posted, { conversation_id: talk.id, message_id: 1, sender_id: talk.ann.id, content, created_at: posted.created_at, edited_at: null, deleted_at: null,
		agent_id: null, transfer_id: null });
	assert.match(posted.created_at, rfc3339);
	assert.deepEqual(await got(`${talk.of(talk.bob)}/messages/1`), posted);
	assert.deepEqual(await got(`${talk.of(talk.bob)}/messages`), [posted]);
	assert.deepEqual(await got(`/conversations/${talk.id}/messages`), [posted]);
});

test("content_has_1_to_10000_characters_of_any_unicode_but_nul", async () => {
	const talk = await pair();
	const post = (body) => request(`POST ${talk.of(talk.ann)}/messages`, body);
	const longest = "🙂".repeat(10000);
	assert.equal((await post({ content: longest })).body.content, longest);
	for (const content of ["", longest + "x", "a\0b", 7, null, ["x"]]) {
		const problem = assertProblem(await post({ content }), 422);
		assert.deepEqual(fields(problem), ["content"]);
	}
	assert.deepEqual(fields(assertProblem(await post({}), 422)), ["content"]);
	assert.deepEqual(fields(assertProblem(await post({ content: "x", colour: "red", size: 1 }), 400)), ["colour", "size"]);
	assert.equal((await got(`${talk.of(talk.ann)}/messages`)).length, 1);
});

test("messages_posted_by_both_at_once_are_numbered_without_a_gap", async () => {
	const talk = await pair();
	const posted = await atOnce(24, (n) => created(`POST ${talk.of(n % 2 ? talk.ann : talk.bob)}/messages`, { content: `${n}` }));
	assert.deepEqual(ids(posted).sort((a, b) => a - b), count(24));
	assert.deepEqual(await got(`${talk.of(talk.ann)}/messages`), posted.sort((a, b) => a.message_id - b.message_id));
});

test("messages_are_listed_both_ways_to_exhaustion", async () => {
	const talk = await pair(...count(7).map(String));
	const path = `${talk.of(talk.bob)}/messages`;
	for (const limit of [1, 3, 7, 50]) {
		assert.deepEqual(ids(await walk(`${path}?limit=${limit}`)), count(7));
		assert.deepEqual(ids(await walk(`${path}?limit=${limit}&sort=asc&last_id=2`)), [3, 4, 5, 6, 7]);
		assert.deepEqual(ids(await walk(`${path}?limit=${limit}&sort=desc`)), count(7).reverse());
		assert.deepEqual(ids(await walk(`${path}?limit=${limit}&sort=desc&last_id=6`)), [5, 4, 3, 2, 1]);
	}
	assert.deepEqual(await got(`${path}?last_id=7`), []);
	assert.deepEqual(await got(`${path}?sort=desc&last_id=1`), []);
	assert.deepEqual(links(await request(`GET ${path}?limit=3&sort=desc&last_id=6`)),
		{ first: `${path}?limit=3&sort=desc`, next: `${path}?limit=3&sort=desc&last_id=3` });
});

for (const [query, status] of Object.entries({ "limit=0": 422, "limit=201": 422, "last_id=x": 422, "sort=up": 422, "page=1": 400, "limit=1&limit=2": 400 }))
	test(`message_list_refuses ${query}`, async () => {
		const talk = await pair();
		assert.deepEqual(fields(assertProblem(await request(`GET ${talk.of(talk.ann)}/messages?${query}`), status)), [query.split("=")[0]]);
	});

test("replay_is_answered_by_the_first_message", async () => {
	const talk = await pair();
	const [post, once] = [`POST ${talk.of(talk.ann)}/messages`, key()];
	const first = await expectStatus(201, post, { content: "once" }, once);
	assert.equal(first.headers.get("idempotency-replayed"), null);
	const again = await expectStatus(201, post, { content: "once" }, once);
	assert.equal(again.headers.get("idempotency-replayed"), "true");
	assert.deepEqual(again.body, first.body);
	assertProblem(await request(post, { content: "twice" }, once), 422);
	assertProblem(await request(`POST ${talk.of(talk.bob)}/messages`, { content: "once" }, once), 422);
	assert.equal((await got(`${talk.of(talk.ann)}/messages`)).length, 1);
});

test("key_belongs_to_its_conversation", async () => {
	const [one, other, once] = [await pair(), await pair(), key()];
	for (const talk of [one, other]) {
		const answer = await expectStatus(201, `POST ${talk.of(talk.ann)}/messages`, { content: "once" }, once);
		assert.equal(answer.headers.get("idempotency-replayed"), null);
	}
});

test("key_used_from_many_connections_at_once_makes_one_message", async () => {
	const [talk, once] = [await pair(), key()];
	const answers = await atOnce(12, () => expectStatus(201, `POST ${talk.of(talk.ann)}/messages`, { content: "once" }, once));
	assert.deepEqual(ids(answers.map((answer) => answer.body)), Array(12).fill(1));
	assert.equal(answers.filter((answer) => answer.headers.get("idempotency-replayed") === "true").length, 11);
	assert.equal((await got(`${talk.of(talk.ann)}/messages`)).length, 1);
});

test("replay_after_an_edit_or_a_deletion_is_answered_as_the_first_time", async () => {
	const [talk, once] = [await pair(), key()];
	const post = () => expectStatus(201, `POST ${talk.of(talk.ann)}/messages`, { content: "once" }, once);
	const refused = async () => assertProblem(await request(`POST ${talk.of(talk.ann)}/messages`, { content: "other text" }, once), 422);
	const first = (await post()).body;
	await expectStatus(200, `PUT ${talk.of(talk.ann)}/messages/1`, { content: "edited" });
	assert.deepEqual((await post()).body, first);
	await refused();
	await expectStatus(204, `DELETE ${talk.of(talk.ann)}/messages/1`);
	assert.deepEqual((await post()).body, first);
	await refused();
	assert.equal((await got(`${talk.of(talk.ann)}/messages`)).length, 1);
});

for (const bad of ["x".repeat(65), "über", "a\tb"])
	test(`idempotency_key_is_refused ${JSON.stringify(bad.slice(0, 8))}, ${bad.length} characters`, async () => {
		const talk = await pair();
		assertProblem(await request(`POST ${talk.of(talk.ann)}/messages`, { content: "x" }, key(bad)), 422);
		assert.deepEqual(await got(`${talk.of(talk.ann)}/messages`), []);
	});

test("message_is_edited_by_its_author_alone", async () => {
	const talk = await pair("draft", "newer");
	const path = (member) => `${talk.of(member)}/messages/1`;
	const before = await got(path(talk.ann));
	assertProblem(await request(`PUT ${path(talk.bob)}`, { content: "hijacked" }), 403);
	const { body } = await expectStatus(200, `PUT ${path(talk.ann)}`, { content: "final" });
	assert.deepEqual(body, { ...before, content: "final", edited_at: body.edited_at });
	assert.match(body.edited_at, rfc3339);
	assert.deepEqual(await got(path(talk.bob)), body);
	assertProblem(await request(`PUT ${path(talk.ann)}`, { content: "" }), 422);
	assertProblem(await request(`PUT ${talk.of(talk.ann)}/messages/3`, { content: "x" }), 404);
});

test("deleted_message_leaves_its_number_and_no_content", async () => {
	const secret = word();
	const talk = await pair("kept", secret);
	const path = `${talk.of(talk.ann)}/messages/2`;
	assertProblem(await request(`DELETE ${talk.of(talk.bob)}/messages/2`), 403);
	const answer = await expectStatus(204, `DELETE ${path}`);
	assert.equal(answer.body, undefined);
	await expectStatus(204, `DELETE ${path}`);
	const tombstone = await got(path);
	assert.deepEqual([tombstone.message_id, tombstone.content], [2, null]);
	assert.match(tombstone.deleted_at, rfc3339);
	assert.deepEqual(contents(await got(`${talk.of(talk.bob)}/messages`)), ["kept", null]);
	assertProblem(await request(`PUT ${path}`, { content: "back" }), 409);
	assertProblem(await request(`DELETE ${talk.of(talk.ann)}/messages/3`), 404);
	assert.deepEqual(await got(`/users/${talk.bob.id}/conversations?searchValue=${secret}`), []);
	assert.deepEqual(contents(await got(`/users/${talk.bob.id}/conversations`)), ["kept"]);
	assert.equal((await created(`POST ${talk.of(talk.ann)}/messages`, { content: "next" })).message_id, 3);
});

test("conversation_of_others_is_as_if_it_were_not_there", async () => {
	const [talk, stranger] = [await pair("private"), await user()];
	const requests = [
		["GET", "/messages"], ["GET", "/messages/1"], ["POST", "/messages", { content: "x" }], ["PUT", "/messages/1", { content: "x" }],
		["DELETE", "/messages/1"], ["PUT", "/read", { message_id: 1 }],
	];
	for (const [method, rest, body] of requests) {
		const ask = (id) => request(`${method} /users/${stranger.id}/conversations/${id}${rest}`, body);
		const [others, none] = [await ask(talk.id), await ask(nobody)];
		assertProblem(others, 404);
		assert.equal(JSON.stringify(withoutRequestId(others)).replaceAll(talk.id, nobody), JSON.stringify(withoutRequestId(none)));
	}
	assert.deepEqual(contents(await got(`${talk.of(talk.ann)}/messages`)), ["private"]);
});

// Reading.

test("read_horizon_only_advances", async () => {
	const talk = await pair(...count(5).map(String));
	const read = async (member, message_id) => (await expectStatus(200, `PUT ${talk.of(member)}/read`, { message_id })).body;
	assert.deepEqual(await read(talk.bob, 3), { read: 3, unread: 2 });
	assert.deepEqual(await read(talk.bob, 1), { read: 3, unread: 2 });
	assert.deepEqual(await read(talk.bob, 5), { read: 5, unread: 0 });
	assert.deepEqual(await read(talk.ann, 1), { read: 5, unread: 0 });
	assertProblem(await request(`PUT ${talk.of(talk.bob)}/read`, { message_id: 6 }), 404);
	assertProblem(await request(`PUT ${talk.of(talk.bob)}/read`, { message_id: 0 }), 404);
	assert.deepEqual(fields(assertProblem(await request(`PUT ${talk.of(talk.bob)}/read`, { message_id: "5" }), 422)), ["message_id"]);
	assert.deepEqual(fields(assertProblem(await request(`PUT ${talk.of(talk.bob)}/read`, {}), 422)), ["message_id"]);
});

test("user_lists_conversations_with_the_other_side_and_what_is_unread", async () => {
	const talk = await pair("one", "two", "three");
	const cid = await user();
	const other = await created(`POST /users/${cid.id}/conversations`, { recipient_id: talk.bob.id });
	await created(`POST /users/${cid.id}/conversations/${other.id}/messages`, { content: "newest" });
	await expectStatus(200, `PUT ${talk.of(talk.bob)}/read`, { message_id: 1 });
	const rows = await got(`/users/${talk.bob.id}/conversations`);
	const row = (id, message_id, content, unread, { id: contact_id, name, phone: phone_number }, timestamp) =>
		({ conversation_id: id, message_id, content, timestamp, contact_id, name, phone_number, kind: "direct", unread,
			match_start: null, match_length: null, read_message_id: message_id, sender_id: contact_id, agent_id: null });
	assert.deepEqual(rows, [
		row(other.id, 1, "newest", 1, cid, rows[0].timestamp),
		row(talk.id, 3, "three", 2, talk.ann, rows[1].timestamp),
	]);
	assert.match(rows[0].timestamp, rfc3339);
	assert.deepEqual((await got(`/users/${talk.ann.id}/conversations`)).map((found) => [found.contact_id, found.unread]), [[talk.bob.id, 0]]);
	const found = async (searchValue) => ids(await got(`/users/${talk.bob.id}/conversations?${new URLSearchParams({ searchValue })}`));
	assert.deepEqual(await found("TW"), [2]);
	assert.deepEqual(await found(talk.ann.name.slice(3)), [3]);
	assert.deepEqual(await found(cid.phone.replace(/\D/g, "").slice(2)), [1]);
	assert.deepEqual(await found("t_o"), []);
});

test("search_of_a_user_finds_nothing_of_others", async () => {
	const secret = word();
	const [, stranger] = [await pair(secret), await user()];
	assert.deepEqual(await got(`/users/${stranger.id}/conversations?searchValue=${secret}`), []);
});

test("list_of_a_user_is_paged_by_page_and_by_cursor", async () => {
	const ann = await user();
	const expected = [];
	for (let n = 0; n < 7; n++) {
		const { id } = await created(`POST /users/${ann.id}/conversations`, { recipient_id: (await user()).id });
		await created(`POST /users/${ann.id}/conversations/${id}/messages`, { content: "hello" });
		expected.unshift(id);
	}
	const path = `/users/${ann.id}/conversations`;
	const of = (rows) => rows.map((row) => row.conversation_id);
	assert.deepEqual(of(await walk(`${path}?limit=3`)), expected);
	assert.deepEqual(of(await walk(`${path}?limit=3&page=1`)), expected);
	assert.deepEqual(of(await got(`${path}?limit=3&page=3`)), expected.slice(6));
	assert.deepEqual(await got(`${path}?limit=3&page=4`), []);
	assert.equal((await request(`GET ${path}?limit=3&count=exact`)).headers.get("x-total-count"), "7");
	assertProblem(await request(`GET ${path}?cursor=nonsense`), 422);
});

// Sync.

const sync = async (member, query = {}) => got(`/users/${member.id}/sync?${new URLSearchParams(query)}`);

test("sync_begins_with_everything_and_goes_on_with_what_is_new", async () => {
	const talk = await pair("one", "two");
	const begin = await sync(talk.bob);
	assert.deepEqual([contents(begin.messages), begin.more], [["one", "two"], false]);
	assert.deepEqual(begin.messages, await got(`${talk.of(talk.bob)}/messages`));
	const idle = await sync(talk.bob, { cursor: begin.cursor });
	assert.deepEqual([idle.messages, idle.reads, idle.transactions, idle.changed], [[], [], [], false]);

	await created(`POST ${talk.of(talk.bob)}/messages`, { content: "three" });
	await expectStatus(200, `PUT ${talk.of(talk.ann)}/messages/1`, { content: "one, edited" });
	await expectStatus(204, `DELETE ${talk.of(talk.ann)}/messages/2`);
	const changes = await sync(talk.bob, { cursor: begin.cursor });
	assert.deepEqual(contents(changes.messages), ["one, edited", null, "three"]);
	assert.deepEqual(changes.messages, await got(`${talk.of(talk.bob)}/messages`));
});

test("sync_covers_all_conversations_of_the_user_and_no_other", async () => {
	const [talk, strangers] = [await pair("hers"), await pair("not hers")];
	const { id } = await created(`POST /users/${talk.bob.id}/conversations`, { recipient_id: strangers.ann.id });
	await created(`POST /users/${talk.bob.id}/conversations/${id}/messages`, { content: "his" });
	assert.deepEqual(contents((await sync(talk.bob)).messages).sort(), ["hers", "his"]);
	assert.deepEqual(contents((await sync(talk.ann)).messages), ["hers"]);
});

test("backlog_comes_in_pages_until_there_is_no_more", async () => {
	const talk = await pair(...count(11).map(String));
	const seen = new Set();
	let answer = { more: true };
	for (let page = 1; answer.more; page++) {
		assert.ok(page <= 5, "the round does not end");
		answer = await sync(talk.bob, { limit: 3, ...(page > 1 && { cursor: answer.cursor }) });
		assert.ok(answer.messages.length >= 1 && answer.messages.length <= 3, `page ${page} has ${answer.messages.length}`);
		for (const id of ids(answer.messages)) seen.add(id);
		if (page === 2) await created(`POST ${talk.of(talk.ann)}/messages`, { content: "meanwhile" });
	}
	for (const id of ids((await sync(talk.bob, { cursor: answer.cursor })).messages)) seen.add(id);
	assert.deepEqual([...seen].sort((a, b) => a - b), count(12));
});

test("cursor_that_is_none_is_refused", async () => {
	const talk = await pair("x");
	const { cursor } = await sync(talk.ann);
	for (const bad of ["nonsense", cursor + "-0", cursor.slice(2), cursor.toUpperCase() + " ", ""])
		assert.deepEqual(fields(assertProblem(await request(`GET /users/${talk.ann.id}/sync?${new URLSearchParams({ cursor: bad })}`), 422)), ["cursor"]);
	for (const query of ["limit=0", "limit=201"])
		assert.deepEqual(fields(assertProblem(await request(`GET /users/${talk.ann.id}/sync?${query}`), 422)), ["limit"]);
});

test("cursor_that_cannot_be_resumed_is_gone", async () => {
	const talk = await pair("x");
	const parts = (await sync(talk.ann)).cursor.split(".");
	const altered = (place, value) => parts.map((part, index) => (index === place ? value : part)).join(".");
	const gone = { "of another cluster": altered(1, "1"), "of a later timeline": altered(2, "ffff"), "from the future": altered(6, "ffffffffffff") };
	for (const [what, cursor] of Object.entries(gone)) {
		const problem = assertProblem(await request(`GET /users/${talk.ann.id}/sync?cursor=${cursor}`), 410);
		assert.deepEqual([what, fields(problem)], [what, ["cursor"]]);
		assert.match(problem.hint, /start over/i);
	}
});

// What applies to all routes is shown for one.

test("head_answers_as_get_without_a_body", async () => {
	const talk = await pair("x");
	const path = `${talk.of(talk.ann)}/messages`;
	const [head, get] = [await request("HEAD " + path), await request("GET " + path)];
	assert.deepEqual([head.status, head.body], [200, undefined]);
	assert.equal(Number(head.headers.get("content-length")), Buffer.byteLength(JSON.stringify(get.body)));
});

test("other_method_is_not_allowed_and_told_which_are", async () => {
	const answer = await request("DELETE /users");
	assertProblem(answer, 405);
	assert.equal(answer.headers.get("allow"), "POST");
	const message = await request("POST /users/1/conversations/1/messages/1", {});
	assertProblem(message, 405);
	assert.deepEqual(message.headers.get("allow").split(", ").sort(), ["DELETE", "GET", "HEAD", "PUT"]);
});

test("request_id_of_the_client_is_answered", async () => {
	const { id } = await user();
	for (const line of [`GET /users/${id}`, `GET /users/${nobody}`])
		assert.equal((await request(line, undefined, { "x-request-id": "trace-" + id })).headers.get("x-request-id"), "trace-" + id);
});

test("errors_leak_nothing_internal", async () => {
	const talk = await pair("x");
	const answers = await Promise.all([
		rawGet(`/users/${talk.ann.id}/conversations/99999999999999999999/messages`),
		rawGet(`/users/${talk.ann.id}/sync?cursor=1.1.1`),
		request(`POST ${talk.of(talk.ann)}/messages`, { content: 1 }),
		request("POST /users", { phone: talk.ann.phone }),
	]);
	for (const answer of answers) {
		const problem = assertProblem(answer, answer.status);
		assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}`);
		assert.doesNotMatch(JSON.stringify(problem), /SELECT|INSERT|parley\.|\.c\b|XX000|_key\b|_pkey/);
	}
});

test("audit_finds_nothing", () => assertAuditIsEmpty());
