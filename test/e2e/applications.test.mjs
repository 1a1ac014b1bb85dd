// Applications, their chats and messages over HTTP. Each test creates its own application.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { assertProblem, links, request, until } from "../support/http.mjs";
import { application, assertAuditIsEmpty, chat, created, expectStatus, got, key, nobody, rfc3339, walk, word } from "../support/people.mjs";

const numbers = (rows) => rows.map((row) => row.number);
const count = (n) => Array.from({ length: n }, (_, index) => index + 1);
const atOnce = (n, make) => Promise.all(count(n).map(make));
const fields = (problem) => problem.errors.map((error) => error.field).sort();
const search = (path, query) => got(`${path}/messages/search?${new URLSearchParams(query)}`);

// Applications.

test("application_is_created_read_and_renamed", async () => {
	const made = await created("POST /applications", { name: "Zoë's" });
	assert.deepEqual(made, { token: made.token, name: "Zoë's", chats_count: 0, created_at: made.created_at, updated_at: made.created_at });
	assert.match(made.created_at, rfc3339);
	assert.deepEqual(await got(`/applications/${made.token}`), made);
	const { body } = await expectStatus(200, `PUT /applications/${made.token}`, { name: "renamed" });
	assert.deepEqual(body, { ...made, name: "renamed", updated_at: body.updated_at });
	assert.ok(body.updated_at > made.updated_at);
	assert.deepEqual(await got(`/applications/${made.token}`), body);
});

test("application_needs_a_name_of_1_to_200_characters", async () => {
	const path = await application();
	for (const body of [{}, { name: "" }, { name: null }, { name: 7 }, { name: "ü".repeat(201) }])
		for (const line of ["POST /applications", `PUT ${path}`]) assert.deepEqual(fields(assertProblem(await request(line, body), 422)), ["name"]);
	await created("POST /applications", { name: "ü".repeat(200) });
	assertProblem(await request("POST /applications", { name: "x", token: "mine" }), 400);
});

test("token_has_192_bits_and_needs_no_escaping", async () => {
	const tokens = await atOnce(20, async () => (await created("POST /applications", { name: "same" })).token);
	assert.equal(new Set(tokens).size, 20);
	for (const token of tokens) assert.match(token, /^[A-Za-z0-9_-]{32}$/);
});

test("applications_are_listed_page_by_page", async () => {
	const made = [];
	for (let n = 0; n < 5; n++) made.push(await created("POST /applications", { name: word() }));
	const listed = [];
	for (let target = "/applications?limit=200"; target !== undefined; ) {
		const answer = await expectStatus(200, "GET " + target);
		listed.push(...answer.body);
		target = links(answer).next;
	}
	assert.deepEqual(listed.filter((one) => made.some((mine) => mine.token === one.token)), made);
	assert.deepEqual(await got("/applications?page=2147483647"), []);
	for (const query of ["page=0", "limit=0", "limit=201"]) assertProblem(await request(`GET /applications?${query}`), 422);
});

test("repeated_creation_with_its_key_makes_one_application", async () => {
	const [name, once] = [word(), key()];
	const answers = await atOnce(8, () => expectStatus(201, "POST /applications", { name }, once));
	assert.equal(new Set(answers.map((answer) => JSON.stringify(answer.body))).size, 1);
	assert.equal(answers.filter((answer) => answer.headers.get("idempotency-replayed") === "true").length, 7);
	assertProblem(await request("POST /applications", { name: "another" }, once), 422);
});

// Chats.

test("chats_created_at_once_are_numbered_without_a_gap", async () => {
	const path = await application();
	const made = await atOnce(24, () => created(`POST ${path}/chats`));
	made.sort((a, b) => a.number - b.number);
	assert.deepEqual(numbers(made), count(24));
	for (const one of made) {
		assert.deepEqual(one, { number: one.number, messages_count: 0, created_at: one.created_at, updated_at: one.created_at });
		assert.match(one.created_at, rfc3339);
	}
	assert.deepEqual(await got(`${path}/chats`), made);
	assert.deepEqual(await walk(`${path}/chats?limit=10`), made);
	assert.deepEqual(await got(`${path}/chats?limit=10&page=3`), made.slice(20));
	assert.deepEqual(await got(`${path}/chats?page=2`), []);
	assert.deepEqual(await got(`${path}/chats/7`), made[6]);
	assert.equal((await got(path)).chats_count, 24);
});

test("chats_of_two_applications_are_numbered_apart", async () => {
	for (const path of [await application(), await application()]) assert.equal(await chat(path), `${path}/chats/1`);
});

test("repeated_creation_with_its_key_makes_one_chat", async () => {
	const [path, other, once] = [await application(), await application(), key()];
	const answers = await atOnce(8, () => expectStatus(201, `POST ${path}/chats`, undefined, once));
	assert.deepEqual(answers.map((answer) => answer.body.number), Array(8).fill(1));
	assert.equal(answers.filter((answer) => answer.headers.get("idempotency-replayed") === "true").length, 7);
	assert.equal((await expectStatus(201, `POST ${other}/chats`, {}, once)).headers.get("idempotency-replayed"), null);
	assert.equal((await got(path)).chats_count, 1);
});

test("chat_takes_no_fields", async () => {
	assertProblem(await request(`POST ${await application()}/chats`, { number: 7 }), 400);
});

// Messages.

test("message_is_answered_as_it_is_read", async () => {
	const path = await chat(await application());
	const posted = await created(`POST ${path}/messages`, { content: "héllo 🙂" });
	assert.deepEqual(posted, { number: 1, content: "héllo 🙂", created_at: posted.created_at, updated_at: posted.created_at });
	assert.deepEqual(await got(`${path}/messages/1`), posted);
	assert.deepEqual(await got(`${path}/messages`), [posted]);
	const shown = await got(path);
	assert.deepEqual([shown.messages_count, shown.updated_at], [1, posted.created_at]);
});

test("messages_posted_at_once_are_numbered_without_a_gap", async () => {
	const path = await chat(await application());
	const posted = await atOnce(24, (n) => created(`POST ${path}/messages`, { content: `${n}` }));
	assert.deepEqual(await got(`${path}/messages`), posted.sort((a, b) => a.number - b.number));
	assert.deepEqual(numbers(posted), count(24));
	assert.equal((await got(path)).messages_count, 24);
});

test("messages_are_listed_both_ways_to_exhaustion", async () => {
	const path = (await chat(await application(), ...count(7).map(String))) + "/messages";
	for (const limit of [1, 3, 7, 50]) {
		assert.deepEqual(numbers(await walk(`${path}?limit=${limit}`)), count(7));
		assert.deepEqual(numbers(await walk(`${path}?limit=${limit}&last_id=2`)), [3, 4, 5, 6, 7]);
		assert.deepEqual(numbers(await walk(`${path}?limit=${limit}&sort=desc&last_id=6`)), [5, 4, 3, 2, 1]);
	}
});

test("replay_is_answered_by_the_first_message", async () => {
	const [path, once] = [await chat(await application()), key()];
	const post = (content) => request(`POST ${path}/messages`, { content }, once);
	const answers = await atOnce(8, () => post("once"));
	assert.deepEqual(answers.map((answer) => [answer.status, answer.body.number]), Array(8).fill([201, 1]));
	assert.equal(answers.filter((answer) => answer.headers.get("idempotency-replayed") === "true").length, 7);
	assertProblem(await post("twice"), 422);
	assert.equal((await got(path)).messages_count, 1);
});

test("changed_message_has_a_new_time_and_is_found_by_its_new_words_alone", async () => {
	const [before, after] = [word(), word()];
	const path = await chat(await application(), before, "other");
	const posted = await got(`${path}/messages/1`);
	const { body } = await expectStatus(200, `PUT ${path}/messages/1`, { content: after });
	assert.deepEqual(body, { ...posted, content: after, updated_at: body.updated_at });
	assert.ok(body.updated_at > posted.updated_at);
	assert.deepEqual(await got(`${path}/messages/1`), body);
	assert.deepEqual(await search(path, { query: after }), [body]);
	assert.deepEqual(await search(path, { query: before }), []);
});

test("content_has_1_to_10000_characters", async () => {
	const path = await chat(await application(), "x");
	for (const body of [{}, { content: "" }, { content: "ü".repeat(10001) }, { content: "a\0b" }, { content: null }])
		for (const line of [`POST ${path}/messages`, `PUT ${path}/messages/1`])
			assert.deepEqual(fields(assertProblem(await request(line, body), 422)), ["content"]);
	assert.equal((await created(`POST ${path}/messages`, { content: "ü".repeat(10000) })).number, 2);
});

// Search.

test("search_finds_any_part_of_a_word_newest_first", async () => {
	const path = await chat(await application(), "The Quick brown fox", "quicker", "slow", "a 100% quick_fix \\o/");
	const found = async (query) => numbers(await search(path, { query }));
	assert.deepEqual(await found("UICK"), [4, 2, 1]);
	assert.deepEqual(await found("ck br"), [1]);
	assert.deepEqual(await found("q"), [4, 2, 1]);
	assert.deepEqual(await found(""), [4, 3, 2, 1]);
	assert.deepEqual(await found("nowhere"), []);
	assert.deepEqual(await found("%"), [4]);
	assert.deepEqual(await found("k_f"), [4]);
	assert.deepEqual(await found("\\"), [4]);
	assert.deepEqual(await found("q%k"), []);
});

test("search_is_walked_to_exhaustion_by_last_id", async () => {
	const path = await chat(await application(), ...count(9).map((n) => (n % 3 ? `hit ${n}` : `miss ${n}`)));
	for (const limit of [1, 4, 6]) assert.deepEqual(numbers(await walk(`${path}/messages/search?query=hit&limit=${limit}`)), [8, 7, 5, 4, 2, 1]);
	assert.deepEqual(numbers(await search(path, { query: "hit", last_id: 5 })), [4, 2, 1]);
});

test("search_stays_in_its_chat", async () => {
	const [path, secret] = [await application(), word()];
	const [mine, sibling] = [await chat(path, "mine " + secret), await chat(path, "sibling's " + secret)];
	await chat(await application(), "a stranger's " + secret);
	assert.deepEqual((await search(mine, { query: secret })).map((row) => row.content), ["mine " + secret]);
	assert.deepEqual((await search(sibling, { query: secret })).map((row) => row.content), ["sibling's " + secret]);
	const operator = await got(`/conversations?searchValue=${secret}`);
	assert.deepEqual(operator, []);
});

test("search_needs_a_query", async () => {
	const path = await chat(await application());
	assert.deepEqual(fields(assertProblem(await request(`GET ${path}/messages/search`), 422)), ["query"]);
	assert.deepEqual(fields(assertProblem(await request(`GET ${path}/messages/search?query=${"x".repeat(1001)}`), 422)), ["query"]);
});

// Access.

// All requests, with the path of an application in place of the token.
const requests = [
	["GET", ""], ["PUT", "", { name: "hijacked" }], ["POST", "/chats"], ["GET", "/chats"], ["GET", "/chats/1"],
	["POST", "/chats/1/messages", { content: "x" }], ["GET", "/chats/1/messages"], ["GET", "/chats/1/messages/search?query=x"],
	["GET", "/chats/1/messages/1"], ["PUT", "/chats/1/messages/1", { content: "hijacked" }],
];
const problemOf = async ([method, rest, body], path) => {
	const problem = assertProblem(await request(`${method} ${path}${rest}`, body), 404);
	return JSON.stringify({ ...problem, request_id: undefined });
};
const unknownToken = () => randomBytes(24).toString("base64url");

test("every_wrong_token_is_answered_alike", async () => {
	const { token } = await created("POST /applications", { name: word() });
	const altered = (token[0] === "A" ? "B" : "A") + token.slice(1);
	const wrong = [unknownToken(), altered, token.slice(1), token + "A", token.toLowerCase() + "x", "1", "%20", "%25", "%27;--", "x".repeat(2000), "%F0%9F%99%82"];
	for (const one of requests) {
		const answers = await Promise.all(wrong.map((bad) => problemOf(one, `/applications/${bad}`)));
		assert.equal(new Set(answers).size, 1, `${one[0]} ${one[1]}: ${[...new Set(answers)].join("\n")}`);
		for (const bad of wrong) assert.ok(bad.length < 3 || !answers[0].includes(bad));
	}
});

test("what_another_application_owns_is_not_there", async () => {
	const [mine, other] = [await application(), await application()];
	await chat(mine, "hers");
	await chat(mine, "hers too");
	await chat(other);
	const texts = async (path) => (await got(`${path}/messages`)).map((row) => row.content);
	assertProblem(await request(`GET ${other}/chats/2`), 404);
	assertProblem(await request(`GET ${other}/chats/1/messages/1`), 404);
	assertProblem(await request(`PUT ${other}/chats/1/messages/1`, { content: "hijacked" }), 404);
	assertProblem(await request(`POST ${other}/chats/2/messages`, { content: "x" }), 404);
	assert.deepEqual(await texts(`${mine}/chats/1`), ["hers"]);
	assert.deepEqual(await texts(`${other}/chats/1`), []);
});

test("missing_chat_or_message_is_not_found", async () => {
	const path = await application();
	await chat(path, "x");
	for (const number of [2, 0, -1, nobody]) {
		assertProblem(await request(`GET ${path}/chats/${number}`), 404);
		assertProblem(await request(`GET ${path}/chats/${number}/messages`), 404);
		assertProblem(await request(`GET ${path}/chats/1/messages/${number}`), 404);
		assertProblem(await request(`PUT ${path}/chats/1/messages/${number}`, { content: "x" }), 404);
	}
	assertProblem(await request(`GET ${path}/chats/one`), 422);
});

// A token is looked up in an index by its bytes. What is checked after that takes another lookup for the chat or the row; an
// unknown token takes only one, however much of it was right. What else happens on this machine makes a difference now and then, but
// what the tokens make would be there each time.
test("wrong_tokens_take_the_same_time", async () => {
	const { token } = await created("POST /applications", { name: word() });
	const kinds = { unknown: unknownToken, almost: () => token.slice(0, 31) + (token[31] === "A" ? "B" : "A"), malformed: () => "x" };
	const measure = async () => {
		const times = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
		for (let round = 0; round < 150; round++)
			for (const [kind, make] of Object.entries(kinds)) {
				const start = process.hrtime.bigint();
				await expectStatus(404, `GET /applications/${make()}`);
				times[kind].push(Number(process.hrtime.bigint() - start) / 1e6);
			}
		return Object.values(times).map((samples) => samples.sort((a, b) => a - b)[samples.length >> 1]);
	};
	await until(async () => {
		const medians = await measure();
		return Math.max(...medians) < 1.5 * Math.min(...medians) + 0.5;
	}, `the medians of ${Object.keys(kinds)} to be alike`, 120);
});

test("no_internal_id_shows", async () => {
	const path = await application();
	const one = await chat(path, "x", "y");
	const allowed = new Set(["token", "name", "chats_count", "messages_count", "number", "content", "created_at", "updated_at"]);
	const answers = await Promise.all([path, `${path}/chats`, one, `${one}/messages`, `${one}/messages/1`, `${one}/messages/search?query=x`].map(got));
	for (const row of answers.flat()) for (const name of Object.keys(row)) assert.ok(allowed.has(name), name);
	const failures = await Promise.all([
		request(`GET ${path}/chats/99`), request(`GET ${one}/messages/99`), request(`PUT ${one}/messages/99`, { content: "x" }),
		request(`POST ${one}/messages`, { content: "" }), request(`GET ${one}/messages?last_id=x`),
	]);
	for (const answer of failures) {
		const problem = assertProblem(answer, answer.status);
		assert.doesNotMatch(`${problem.detail} ${JSON.stringify(problem.errors)}`, /conversation|application_id|_pkey|_key\b/);
		assert.deepEqual((`${problem.detail}`.match(/\d+/g) ?? []).filter((digits) => !["1", "99", "10", "000", "10000"].includes(digits)), []);
	}
});

test("audit_finds_nothing", () => assertAuditIsEmpty());
