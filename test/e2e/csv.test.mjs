// Every list as CSV: the same rows and columns as in JSON, and the same paging.

import assert from "node:assert/strict";
import { test } from "node:test";
import { psql } from "../support/database.mjs";
import { assertProblem, links, request, url } from "../support/http.mjs";
import { created, expectStatus, pair, phone, word } from "../support/people.mjs";

const csv = { accept: "text/csv" };

async function text(path, headers = csv, method = "GET") {
	const response = await fetch(url + path, { method, headers });
	return { status: response.status, headers: response.headers, body: await response.text() };
}

// Parses RFC 4180. Returns [[field, …], …], with null for an empty unquoted field.
function parse(body) {
	const rows = [];
	for (let at = 0; at < body.length;) {
		const row = [];
		for (let end = ","; end === ","; at += end === "," ? 1 : 2) {
			const [all, quoted, plain] = /("(?:[^"]|"")*")|([^",\r\n]*)/y.exec(body.slice(at));
			row.push(quoted !== undefined ? quoted.slice(1, -1).replaceAll('""', '"') : plain || null);
			at += all.length;
			end = body[at];
			assert.ok(end === "," || body.slice(at, at + 2) === "\r\n", `what follows ${all} is ${JSON.stringify(end)}`);
		}
		rows.push(row);
	}
	return rows;
}

// Converts a field to its JSON value.
const written = (value) => (value === null || typeof value === "string" ? value : JSON.stringify(value));

test("every_list_has_the_rows_of_its_json", async () => {
	const { ann, of } = await pair("hello", 'a "quoted", text', "two\r\nlines", "=1+1");
	await expectStatus(204, `DELETE ${of(ann)}/messages/1`);
	const account = await created(`POST /users/${ann.id}/accounts`, { currency: "EUR" });
	await created(`POST /users/${ann.id}/accounts/${account.id}/transactions`, { amount: 5 });
	await created("POST /contacts", { name: `${word()}, "the" ü`, phone: phone(), attributes: { tags: ["a", "b"], note: 'say "hi"' } });
	await created("POST /agents", { name: word(), email: `${word()}@example.org` });
	const { token } = await created("POST /applications", { name: word() });
	const { number } = await created(`POST /applications/${token}/chats`);
	await created(`POST /applications/${token}/chats/${number}/messages`, { content: "hello" });
	const ids = { user_id: ann.id, conversation_id: of(ann).split("/").at(-1), account_id: account.id, token, chat_number: number };
	const lists = (await psql("parley", "SELECT path FROM parley.describe_routes() WHERE method = 'GET' AND returns_set AND function LIKE 'parley.%'"))
		.split("\n").map((path) => path.replace(/\{(\w+)\}/g, (_, name) => ids[name]) + (path.endsWith("/search") ? "?query=hello" : ""));
	assert.ok(lists.length >= 10);
	for (const path of lists) {
		const [json, answer] = [await request(`GET ${path}`), await text(path)];
		assert.equal(answer.status, 200, path);
		assert.equal(answer.headers.get("content-type"), "text/csv; charset=utf-8; header=present");
		for (const header of ["link", "x-total-count"]) assert.equal(answer.headers.get(header), json.headers.get(header), header);
		const [names, ...rows] = parse(answer.body);
		assert.ok(rows.length > 0, path);
		assert.deepEqual(names, Object.keys(json.body[0]), path);
		assert.deepEqual(rows.map((row) => row.map((field, i) => (["{", "["].includes(field?.[0]) && typeof json.body[0][names[i]] !== "string"
			? JSON.stringify(JSON.parse(field)) : field))), json.body.map((row) => Object.values(row).map(written)), path);
	}
});

test("pages_go_on_as_csv", async () => {
	const { ann, of } = await pair("one", "two", "three");
	const first = await text(`${of(ann)}/messages?limit=2`);
	assert.equal(parse(first.body).length, 3);
	const { next } = links(first);
	const rest = parse((await text(next)).body);
	assert.deepEqual(rest.map((row) => row[3]), ["content", "three"]);
	assert.equal(parse((await text(`${of(ann)}/messages?last_id=3`)).body).length, 1, "past the end the header alone");
	assert.match((await text("/contacts?limit=1")).headers.get("link"), /rel="next"/);
});

test("accept_is_read_with_its_weights_and_asks_for_nothing_else", async () => {
	const type = async (path, accept, method) => (await text(path, accept === undefined ? {} : { accept }, method)).headers.get("content-type");
	for (const accept of ["text/csv", "text/csv, application/json;q=0.9", "TEXT/CSV;header=present, */*;q=0.1"])
		assert.match(await type("/agents", accept), /^text\/csv/, accept);
	for (const accept of [undefined, "*/*", "application/json", "text/csv;q=0.5, application/json", "text/csv;q=0", "image/png"])
		assert.match(await type("/agents", accept), /^application\/json/, accept);
	const head = await text("/agents", csv, "HEAD");
	assert.equal(head.body, "");
	assert.equal(Number(head.headers.get("content-length")), (await text("/agents")).body.length);
	// Responses that are not lists are always JSON, and so are errors.
	const contact = await created("POST /contacts", { name: word() });
	assert.match(await type(`/contacts/${contact.id}`, "text/csv"), /^application\/json/);
	assertProblem(await text("/conversations?limit=0"), 422);
});

test("a_contact_list_goes_out_and_comes_in_again", async () => {
	const name = word();
	await created("POST /contacts", { name: `${name}, "first"`, phone: phone(), attributes: { plan: "gold" } });
	const [names, row] = parse((await text(`/contacts?searchValue=${name}`)).body);
	assert.deepEqual([row[names.indexOf("name")], row[names.indexOf("email")], row[names.indexOf("attributes")]], [`${name}, "first"`, null, '{"plan": "gold"}']);
});
