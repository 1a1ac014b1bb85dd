// Contacts and conversations over HTTP, as an operator's client sees them. Each test creates its own contacts, named with a word
// that no other test uses, and finds them by it.

import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { test } from "node:test";
import { assertProblem, links, rawGet, request } from "../support/http.mjs";

const word = () => "w" + randomBytes(8).toString("hex");
const phone = () => "+49 " + randomInt(1e9, 9e9);

async function created(line, body, headers) {
	const answer = await request(line, body, headers);
	assert.equal(answer.status, 201, JSON.stringify(answer.body));
	return answer.body;
}

// creates a conversation with a contact of this name, with one message for each content
async function conversation(name, ...contents) {
	const contact = await created("POST /contacts", { name, phone: phone() });
	const { id } = await created(`POST /contacts/${contact.id}/conversation`);
	for (const content of contents) await created(`POST /conversations/${id}/messages`, { content });
	return { id, contact };
}

async function list(query) {
	const answer = await request("GET /conversations?" + new URLSearchParams(query));
	assert.equal(answer.status, 200, JSON.stringify(answer.body));
	return answer;
}

test("contact_is_created_and_read_back", async () => {
	const given = { name: "Zoë " + word(), phone: phone(), email: word() + "@example.org" };
	const contact = await created("POST /contacts", given);
	assert.deepEqual({ name: contact.name, phone: contact.phone, email: contact.email }, given);
	assert.match(contact.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
	assert.deepEqual((await request(`GET /contacts/${contact.id}`)).body, contact);
});

test("contact_without_name_phone_and_email_is_refused", async () => {
	assertProblem(await request("POST /contacts", {}), 422);
});

test("taken_phone_is_a_conflict_however_it_is_written", async () => {
	const digits = String(randomInt(1e9, 9e9));
	await created("POST /contacts", { phone: digits });
	const answer = await request("POST /contacts", { phone: `(${digits.slice(0, 3)}) ${digits.slice(3, 6)}-${digits.slice(6)}` });
	assert.doesNotMatch(assertProblem(answer, 409).detail, /contacts_|_key|constraint/);
});

test("every_offending_field_is_named", async () => {
	const problem = assertProblem(await request("POST /contacts", { name: "", email: "x", phone: "123 456" }), 422);
	assert.deepEqual(problem.errors.map((error) => error.field).sort(), ["email", "name", "phone"]);
});

test("unknown_contact_is_not_found", async () => {
	assertProblem(await request("GET /contacts/9007199254740991"), 404);
	assertProblem(await request("POST /contacts/9007199254740991/conversation"), 404);
});

test("conversation_with_a_contact_is_opened_once", async () => {
	const contact = await created("POST /contacts", { name: word() });
	const answers = await Promise.all(Array.from({ length: 8 }, () => request(`POST /contacts/${contact.id}/conversation`)));
	assert.deepEqual(answers.map((answer) => answer.status).sort(), [200, 200, 200, 200, 200, 200, 200, 201]);
	assert.equal(new Set(answers.map((answer) => answer.body.id)).size, 1);
});

test("conversation_shows_its_participants_and_newest_messages_first", async () => {
	const { id, contact } = await conversation(word(), "first", "second");
	const { body } = await request(`GET /conversations/${id}`);
	assert.equal(body.id, id);
	assert.equal(body.kind, "contact");
	assert.equal(body.last_message_id, 2);
	assert.deepEqual(body.participants, [{ id: contact.id, name: contact.name, identifier: contact.phone, type: "phone", read_message_id: 0 }]);
	assert.deepEqual(body.messages.map((message) => message.content), ["second", "first"]);
	assertProblem(await request("GET /conversations/9007199254740991"), 404);
});

test("message_is_answered_as_it_is_listed", async () => {
	const { id } = await conversation(word());
	const content = "tab\t, \"quotes\", \\ and 🙂 \u0001";
	const message = await created(`POST /conversations/${id}/messages`, { content });
	assert.equal(message.content, content);
	assert.deepEqual([message.conversation_id, message.message_id, message.sender_id], [id, 1, null]);
	assert.deepEqual([message.edited_at, message.deleted_at], [null, null]);
	assert.deepEqual((await request(`GET /conversations/${id}/messages`)).body, [message]);
});

test("messages_are_listed_both_ways_from_last_id", async () => {
	const { id } = await conversation(word(), "1", "2", "3", "4", "5");
	const ids = async (query) => (await request(`GET /conversations/${id}/messages?${query}`)).body.map((message) => message.message_id);
	assert.deepEqual(await ids("sort=asc&last_id=2&limit=2"), [3, 4]);
	assert.deepEqual(await ids("sort=desc&last_id=4&limit=2"), [3, 2]);
	assert.deepEqual(await ids("sort=asc&last_id=5"), []);
});

test("messages_posted_at_once_are_numbered_without_a_gap", async () => {
	const { id } = await conversation(word());
	const messages = await Promise.all(Array.from({ length: 20 }, (_, n) => created(`POST /conversations/${id}/messages`, { content: `${n}` })));
	assert.deepEqual(messages.map((message) => message.message_id).sort((a, b) => a - b), Array.from({ length: 20 }, (_, n) => n + 1));
});

test("repeated_post_with_its_key_is_answered_again", async () => {
	const { id } = await conversation(word());
	const key = { "idempotency-key": word() };
	const first = await created(`POST /conversations/${id}/messages`, { content: "once" }, key);
	const again = await request(`POST /conversations/${id}/messages`, { content: "once" }, key);
	assert.deepEqual(again.body, first);
	assert.equal(again.headers.get("idempotency-replayed"), "true");
	assertProblem(await request(`POST /conversations/${id}/messages`, { content: "twice" }, key), 422);
	assert.equal((await request(`GET /conversations/${id}/messages`)).body.length, 1);
});

test("list_has_one_row_a_conversation_its_newest_message_newest_first", async () => {
	const name = word();
	const one = await conversation(name, "one", "two");
	const other = await conversation(name, "three");
	const rows = (await list({ searchValue: name })).body;
	assert.deepEqual(rows.map((row) => [row.conversation_id, row.message_id, row.content, row.contact_id, row.name, row.phone_number, row.kind]), [
		[other.id, 1, "three", other.contact.id, name, other.contact.phone, "contact"],
		[one.id, 2, "two", one.contact.id, name, one.contact.phone, "contact"],
	]);
	for (const row of rows) assert.match(row.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
});

test("search_finds_by_text_by_name_and_by_the_digits_of_a_phone", async () => {
	const [name, text] = [word(), word()];
	const { id, contact } = await conversation(name, `before ${text} after`, "newer");
	const found = async (searchValue) => (await list({ searchValue })).body.map((row) => [row.conversation_id, row.content]);
	assert.deepEqual(await found(text.toUpperCase()), [[id, `before ${text} after`]]);
	assert.deepEqual(await found(name.slice(2, -2)), [[id, "newer"]]);
	assert.deepEqual(await found(contact.phone.replace(/[^0-9]/g, "")), [[id, "newer"]]);
	assert.deepEqual(await found(text + "%"), []);
});

test("pages_and_cursor_walk_the_same_rows", async () => {
	const name = word();
	const expected = [];
	for (let n = 0; n < 23; n++) expected.unshift((await conversation(name, "hello")).id);

	const byPage = [];
	for (let page = 1, rows; page === 1 || rows.length > 0; page++) {
		rows = (await list({ searchValue: name, limit: 5, page })).body;
		byPage.push(...rows);
	}
	assert.deepEqual(byPage.map((row) => row.conversation_id), expected);

	const byCursor = [];
	for (let target = `/conversations?searchValue=${name}&limit=5`; target !== undefined; ) {
		const answer = await request("GET " + target);
		byCursor.push(...answer.body);
		assert.ok(byCursor.length <= expected.length, "the cursor goes round in circles");
		target = links(answer).next;
	}
	assert.deepEqual(byCursor, byPage);
});

test("page_names_its_neighbours", async () => {
	const name = word();
	for (let n = 0; n < 5; n++) await conversation(name, "hello");
	const rels = async (page) => links(await list({ searchValue: name, limit: 2, page }));
	const target = (page) => `/conversations?searchValue=${name}&limit=2&page=${page}`;
	assert.deepEqual(await rels(1), { first: target(1), next: target(2) });
	assert.deepEqual(await rels(2), { first: target(1), prev: target(1), next: target(3) });
	assert.deepEqual(await rels(3), { first: target(1), prev: target(2) });
});

test("count_exact_tells_how_many_rows_there_are", async () => {
	const name = word();
	for (let n = 0; n < 3; n++) await conversation(name, "hello");
	const answer = await list({ searchValue: name, limit: 2, count: "exact" });
	assert.equal(answer.body.length, 2);
	assert.equal(answer.headers.get("x-total-count"), "3");
	const beyond = await list({ searchValue: name, limit: 2, page: 9, count: "exact" });
	assert.deepEqual(beyond.body, []);
	assert.equal(beyond.headers.get("x-total-count"), "3");
});

test("page_past_the_end_is_empty", async () => {
	const answer = await list({ searchValue: word(), page: 2147483647, limit: 200 });
	assert.deepEqual(answer.body, []);
});

const refused = {
	"page=0": 422,
	"page=-1": 422,
	"page=abc": 422,
	"page=": 422,
	"page=1.5": 422,
	"page=99999999999999999999": 422,
	"limit=0": 422,
	"limit=201": 422,
	"count=roughly": 422,
	"cursor=nonsense": 422,
	"searchValue=a%00b": 422,
	[`searchValue=${"x".repeat(1001)}`]: 422,
	[`searchValue=${"x".repeat(100000)}`]: 414,
	"unknown=1": 400,
	"page=1&page=2": 400,
	"searchValue=%zz": 400,
	"searchValue=%e": 400,
	"searchValue=%ff": 400,
	"searchValue=%ed%a0%80": 400,
	"%ff=1": 400,
};

for (const [query, status] of Object.entries(refused)) {
	const shown = query.length < 40 ? query : query.slice(0, 14) + `…, ${query.length} bytes`;
	test(`list_refuses ${shown}`, async () => {
		const problem = assertProblem(await rawGet(`/conversations?${query}`), status);
		assert.doesNotMatch(JSON.stringify(problem), /SELECT|parley\.|\.c\b|XX000/);
	});
}

for (const target of ["/..", "/conversations/..", "/conversations/../..", "/%2e%2e", "/../../etc/passwd", "/conversations/%00", "/conversations/7%2F..", "//"])
	test(`path_is_no_way_out ${target}`, async () => {
		const answer = await rawGet(target);
		assertProblem(answer, answer.status);
		assert.ok([400, 404, 422].includes(answer.status), `${answer.status}`);
	});

// Filters. Returns which message each conversation shows, by its content.
const shown = async (query) => (await list(query)).body.map((row) => row.content);

test("list_is_narrowed_to_messages_by_time_and_sender", async () => {
	const name = word();
	const { id, contact } = await conversation(name, "from us");
	await created(`POST /conversations/${id}/messages`, { content: "from them", sender_id: contact.id });
	const last = await created(`POST /conversations/${id}/messages`, { content: "from us again" });
	const times = (await request(`GET /conversations/${id}/messages`)).body.map((message) => message.created_at);
	assert.deepEqual(await shown({ searchValue: name }), ["from us again"]);
	assert.deepEqual(await shown({ searchValue: name, sender: "contact" }), ["from them"]);
	assert.deepEqual(await shown({ searchValue: name, sender: contact.id }), ["from them"]);
	assert.deepEqual(await shown({ searchValue: name, sender: "operator", to: times[1] }), ["from us"]);
	assert.deepEqual(await shown({ searchValue: name, from: times[1], to: times[1] }), ["from them"]);
	assert.deepEqual(await shown({ searchValue: name, from: last.created_at, sender: "contact" }), []);
	assert.deepEqual(await shown({ sender: contact.id }), ["from them"]);
	const user = `/users/${contact.id}/conversations`;
	assert.deepEqual((await request(`GET ${user}?sender=contact`)).body.map((row) => row.content), ["from them"]);
	assert.deepEqual((await request(`GET ${user}?unread=true&sender=operator&to=${times[0]}`)).body.map((row) => row.content), ["from us"]);
	assert.equal((await request(`GET ${user}?unread=false`)).body.length, 0);
});

test("list_is_narrowed_by_case_and_by_what_is_unread", async () => {
	const [name, label] = [word(), word()];
	const agent = await created("POST /agents", { name, email: `${name}@example.org` });
	const { id, contact } = await conversation(name, "hello");
	const other = await conversation(name, "hello too");
	const set = async (body) => assert.equal((await request(`PUT /conversations/${id}/case`, body)).status, 200);
	const ids = async (query) => (await list(query)).body.map((row) => row.conversation_id);
	await set({ status: "resolved", assignee_id: agent.id, labels: [label] });
	assert.deepEqual(await ids({ searchValue: name }), [other.id, id]);
	assert.deepEqual(await ids({ searchValue: name, status: "resolved" }), [id]);
	assert.deepEqual(await ids({ searchValue: name, status: "open" }), [other.id]);
	assert.deepEqual(await ids({ searchValue: name, status: "snoozed" }), []);
	assert.deepEqual(await ids({ searchValue: name, assignee_id: 0 }), [other.id]);
	assert.deepEqual(await ids({ assignee_id: agent.id }), [id]);
	assert.deepEqual(await ids({ label }), [id]);
	assert.deepEqual(await ids({ label, status: "open" }), []);
	assert.deepEqual(await ids({ label: word() }), []);
	assert.deepEqual(await ids({ searchValue: name, unread: true }), []);
	await created(`POST /conversations/${id}/messages`, { content: "one thing more", sender_id: contact.id });
	assert.deepEqual(await ids({ searchValue: name, unread: true }), [id]);
	assert.deepEqual(await ids({ searchValue: name, unread: false }), [other.id]);
	const [row] = (await list({ label })).body;
	assert.deepEqual({ status: row.status, assignee_id: row.assignee_id, labels: row.labels, unread: row.unread, sender_id: row.sender_id, agent_id: row.agent_id },
		{ status: "open", assignee_id: agent.id, labels: [label], unread: 1, sender_id: contact.id, agent_id: null });
	assert.equal((await list({ label, count: "exact" })).headers.get("x-total-count"), "1");
});

test("filters_that_make_no_sense_are_refused_by_name", async () => {
	const wrong = { from: "yesterday", to: "2024-13-01", sender: "robot", unread: "maybe", status: "gone", assignee_id: "Mara", label: "" };
	const problem = assertProblem(await request("GET /conversations?" + new URLSearchParams(wrong)), 422);
	assert.deepEqual(problem.errors.map((error) => error.field).sort(), Object.keys(wrong).sort());
	const twisted = assertProblem(await request("GET /conversations?from=2024-01-02T00:00:00Z&to=2024-01-01T00:00:00Z"), 422);
	assert.deepEqual(twisted.errors.map((error) => error.field), ["from"]);
	const user = `/users/${(await created("POST /contacts", { name: word() })).id}/conversations`;
	for (const operators of ["status=open", "assignee_id=1", "label=vip"]) assertProblem(await request(`GET ${user}?${operators}`), 400);
});

test("cursor_goes_on_under_its_own_filters_alone", async () => {
	const name = word();
	for (let i = 0; i < 3; i++) await conversation(name, "hello");
	const first = await list({ searchValue: name, sender: "operator", limit: 2 });
	const { next } = links(first);
	assert.equal((await request("GET " + next)).body.length, 1);
	const cursor = new URL(next, "http://localhost").searchParams.get("cursor");
	for (const other of [{}, { sender: "contact" }, { sender: "operator", unread: true }, { sender: "operator", to: "2100-01-01T00:00:00Z" }])
		assertProblem(await request("GET /conversations?" + new URLSearchParams({ searchValue: name, cursor, ...other })), 422);
});

test("match_is_where_it_is_in_the_content_in_characters", async () => {
	const [name, term] = [word(), word()];
	await conversation(name, `🙂 Straße, ${term.toUpperCase()}!`);
	const [row] = (await list({ searchValue: term })).body;
	assert.equal([...row.content].slice(row.match_start - 1, row.match_start - 1 + row.match_length).join(""), term.toUpperCase());
	const [named] = (await list({ searchValue: name })).body;
	assert.deepEqual([named.match_start, named.match_length], [null, null]);
	const [all] = (await list({ limit: 1 })).body;
	assert.deepEqual([all.match_start, all.match_length], [null, null]);
});

test("messages_of_a_conversation_are_searched_in_both_directions", async () => {
	const term = word();
	const { id, contact } = await conversation(word(), ...[1, 2, 3, 4, 5, 6].map((i) => (i % 2 ? `${i} ${term.toUpperCase()}` : `${i}`)));
	await conversation(word(), `elsewhere ${term}`);
	await expectGone(id, 5);
	const ids = async (path, query) => {
		const answer = await request(`GET ${path}/messages?` + new URLSearchParams({ searchValue: term, ...query }));
		assert.equal(answer.status, 200, JSON.stringify(answer.body));
		return { ids: answer.body.map((message) => message.message_id), next: links(answer).next };
	};
	for (const path of [`/conversations/${id}`, `/users/${contact.id}/conversations/${id}`]) {
		assert.deepEqual(await ids(path), { ids: [1, 3], next: undefined });
		assert.deepEqual((await ids(path, { sort: "desc" })).ids, [3, 1]);
		assert.deepEqual((await ids(path, { last_id: 1 })).ids, [3]);
		assert.deepEqual((await ids(path, { last_id: 3, sort: "desc" })).ids, [1]);
		const first = await ids(path, { limit: 1 });
		assert.deepEqual(first.ids, [1]);
		assert.deepEqual((await request("GET " + first.next)).body.map((message) => message.message_id), [3]);
		assert.deepEqual((await request(`GET ${path}/messages?searchValue=`)).body.length, 6);
	}
	assert.deepEqual((await ids(`/conversations/${id}`, { searchValue: "no such text" })).ids, []);
	assertProblem(await request(`GET /conversations/9007199254740991/messages?searchValue=${term}`), 404);
	assertProblem(await request(`GET /users/${contact.id}/conversations/9007199254740991/messages?searchValue=${term}`), 404);
});

async function expectGone(id, message) {
	assert.equal((await request(`DELETE /conversations/${id}/messages/${message}`)).status, 204);
}

test("context_of_a_match_is_a_matter_of_arithmetic", async () => {
	const term = word();
	const { id } = await conversation(word(), ...Array.from({ length: 60 }, (_, i) => (i === 29 || i === 1 ? `${term} ${i}` : `${i}`)));
	const around = async (n) => (await request(`GET /conversations/${id}/messages?last_id=${n - 26}&limit=51`)).body.map((message) => message.message_id);
	const [early, match] = (await request(`GET /conversations/${id}/messages?searchValue=${term}`)).body.map((message) => message.message_id);
	assert.deepEqual(await around(match), Array.from({ length: 51 }, (_, i) => match - 25 + i));
	assert.ok((await around(early)).slice(0, early + 25).every((number, i) => number === i + 1));
});
