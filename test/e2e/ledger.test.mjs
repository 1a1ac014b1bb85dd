// Accounts over HTTP, as a user's client sees them: opening, posting, paying others, reading it back, and all ways to be refused.

import assert from "node:assert/strict";
import { randomInt, randomUUID } from "node:crypto";
import { test } from "node:test";
import { psql } from "../support/database.mjs";
import { assertProblem, links, request, url } from "../support/http.mjs";

async function created(line, body, headers) {
	const answer = await request(line, body, headers);
	assert.equal(answer.status, 201, JSON.stringify(answer.body));
	return answer.body;
}

// A user with an account in each currency, the first of which contains an amount.
async function user(amount, ...currencies) {
	const { id } = await created("POST /users", { phone: "+49 " + randomInt(1e9, 9e9) });
	for (const currency of currencies) await created(`POST /users/${id}/accounts`, { currency });
	if (amount) await created(`POST /users/${id}/accounts/1/transactions`, { amount });
	return id;
}

// A body that no JSON library would write.
async function postText(path, text) {
	const response = await fetch(url + path, { method: "POST", headers: { "content-type": "application/json" }, body: text });
	return { status: response.status, headers: response.headers, body: await response.json() };
}

const fields = (problem) => problem.errors?.map(({ field }) => field);

test("an_account_is_opened_and_listed", async () => {
	const id = await user(0);
	const account = await created(`POST /users/${id}/accounts`, { currency: "EUR", name: "daily" });
	assert.deepEqual({ ...account, created_at: "" }, { id: 1, user_id: id, currency: "EUR", name: "daily", balance: 0, created_at: "" });
	assert.match(account.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
	await created(`POST /users/${id}/accounts`, { currency: "JPY" });
	const { body, headers } = await request(`GET /users/${id}/accounts?limit=1`);
	assert.deepEqual(body, [account]);
	const next = links({ headers }).next;
	assert.deepEqual((await request(`GET ${next}`)).body.map(({ id, currency }) => [id, currency]), [[2, "JPY"]]);
});

test("totals_are_in_the_user", async () => {
	const one = await user(500, "EUR", "EUR");
	await created(`POST /users/${one}/accounts/2/transactions`, { amount: 30 });
	const { body } = await request(`GET /users/${one}`);
	assert.deepEqual([body.totals, body.total], [[{ currency: "EUR", total: 530 }], 530]);
	const two = await user(500, "EUR", "USD");
	const both = (await request(`GET /users/${two}`)).body;
	assert.deepEqual([both.totals, both.total], [[{ currency: "EUR", total: 500 }, { currency: "USD", total: 0 }], null]);
});

test("a_transaction_is_posted_replayed_and_listed", async () => {
	const id = await user(0, "EUR");
	const path = `/users/${id}/accounts/1/transactions`;
	const key = { "idempotency-key": randomUUID() };
	const first = await request(`POST ${path}`, { amount: 1000, memo: "salary" }, key);
	assert.equal(first.status, 201);
	assert.deepEqual({ ...first.body, created_at: "" },
		{ id: 1, account_id: 1, amount: 1000, balance: 1000, memo: "salary", created_at: "" });
	assert.equal(first.headers.get("idempotency-replayed"), null);
	const second = await request(`POST ${path}`, { amount: 1000, memo: "salary" }, key);
	assert.deepEqual([second.status, second.body, second.headers.get("idempotency-replayed")], [201, first.body, "true"]);
	assertProblem(await request(`POST ${path}`, { amount: 1001, memo: "salary" }, key), 422);

	await created(`POST ${path}`, { amount: -1 });
	await created(`POST ${path}`, { amount: -2 });
	const page = await request(`GET ${path}?sort=desc&limit=2`);
	assert.deepEqual(page.body.map(({ id, amount, balance }) => [id, amount, balance]), [[3, -2, 997], [2, -1, 999]]);
	assert.deepEqual((await request(`GET ${links(page).next}`)).body, [first.body]);
	assert.deepEqual((await request(`GET ${path}?last_id=2`)).body.map(({ id }) => id), [3]);
});

test("not_enough_money_says_what_is_missing_and_says_it_again", async () => {
	const id = await user(500, "EUR");
	const path = `/users/${id}/accounts/1/transactions`;
	const key = { "idempotency-key": randomUUID() };
	const refused = await request(`POST ${path}`, { amount: -800 }, key);
	const problem = assertProblem(refused, 409);
	assert.equal(problem.code, "PY409");
	assert.match(problem.detail, /500.*300/);
	await created(`POST ${path}`, { amount: 5000 });
	const again = await request(`POST ${path}`, { amount: -800 }, key);
	assert.deepEqual([assertProblem(again, 409).detail, again.headers.get("idempotency-replayed")], [problem.detail, "true"]);
	assert.equal((await request(`GET /users/${id}/accounts/1/balance`)).body.balance, 5500);
});

test("an_amount_is_a_whole_number_of_minor_units_and_not_0", async () => {
	const id = await user(500, "EUR");
	const path = `/users/${id}/accounts/1/transactions`;
	for (const amount of ["0", "1.5", '"10"', "1e3", "-9223372036854775808", "null", "true", "[1]"]) {
		const problem = assertProblem(await postText(path, `{"amount":${amount}}`), 422);
		assert.deepEqual(fields(problem), ["amount"], amount);
	}
	for (const amount of ["1000000000000001", "-1000000000000001", "9223372036854775808", "-9223372036854775809", "1e40"])
		assert.deepEqual(fields(assertProblem(await postText(path, `{"amount":${amount}}`), 422)), ["amount"]);
	assertProblem(await postText(path, '{"amount":1,"amount":2}'), 400);
	assertProblem(await postText(path, '{"amount":1,"currency":"EUR"}'), 400);
	assert.equal((await request(`GET ${path}`)).body.length, 1);
});

test("a_currency_is_of_iso_4217", async () => {
	const id = await user(0);
	for (const currency of ["EUX", "eur", "", 978, null])
		assert.deepEqual(fields(assertProblem(await request(`POST /users/${id}/accounts`, { currency }), 422)), ["currency"]);
	assertProblem(await request("POST /users/999999999/accounts", { currency: "EUR" }), 404);
});

test("another_users_account_is_not_there", async () => {
	const id = await user(500, "EUR");
	const other = await user(500, "EUR", "USD");
	assertProblem(await request(`POST /users/${id}/accounts/2/transactions`, { amount: 1 }), 404);
	for (const path of ["transactions", "balance"]) assertProblem(await request(`GET /users/${id}/accounts/2/${path}`), 404);
	assertProblem(await request(`POST /users/${id}/transfers`, { from_account_id: 2, to_user_id: other, to_account_id: 1, amount: 1 }), 404);
});

test("a_closed_account_is_a_conflict", async () => {
	const id = await user(0, "EUR");
	await psql(process.env.PGDATABASE, `SELECT parley.close_account(${id}, 1)`);
	assertProblem(await request(`POST /users/${id}/accounts/1/transactions`, { amount: 1 }), 409);
	assert.deepEqual((await request(`GET /users/${id}/accounts/1/transactions`)).body, []);
});

test("a_transfer_answers_both_transactions_and_not_the_others_balance", async () => {
	const ana = await user(500, "EUR");
	const bob = await user(987654070, "EUR");
	const body = { from_account_id: 1, to_user_id: bob, to_account_id: 1, amount: 120, memo: "rent" };
	const key = { "idempotency-key": randomUUID() };
	const first = await request(`POST /users/${ana}/transfers`, body, key);
	assert.equal(first.status, 201, JSON.stringify(first.body));
	const { from_transaction: paid, to_transaction: received } = first.body;
	assert.deepEqual([paid.amount, paid.balance, received.amount, received.balance], [-120, 380, 120, null]);
	assert.doesNotMatch(JSON.stringify(first.body), /987654190/);
	assert.deepEqual((await request(`POST /users/${ana}/transfers`, body, key)).body, first.body);
	const seen = (await request(`GET /users/${bob}/accounts/1/transactions?sort=desc&limit=1`)).body[0];
	assert.deepEqual([seen.id, seen.amount, seen.balance, seen.memo], [received.id, 120, 987654190, "rent"]);

	const refused = assertProblem(await request(`POST /users/${ana}/transfers`, { ...body, amount: 1000 }), 409);
	assert.match(refused.detail, /380.*620/);
	for (const [wrong, field] of [[{ amount: 0 }, "amount"], [{ amount: -5 }, "amount"], [{ to_user_id: ana }, "to_account_id"]])
		assert.deepEqual(fields(assertProblem(await request(`POST /users/${ana}/transfers`, { ...body, ...wrong }), 422)), [field]);
});

test("a_receipt_is_posted_with_the_payment_or_neither", async () => {
	const ana = await user(500, "EUR");
	const bob = await user(0, "EUR");
	const eve = await user(500, "EUR");
	const { id } = await created(`POST /users/${ana}/conversations`, { recipient_id: bob });
	const body = { from_account_id: 1, to_user_id: bob, to_account_id: 1, amount: 120, memo: "lunch", conversation_id: id };
	const paid = await created(`POST /users/${ana}/transfers`, body);
	const messages = (await request(`GET /users/${bob}/conversations/${id}/messages`)).body;
	assert.deepEqual(messages.map(({ message_id, sender_id, content }) => [message_id, sender_id, content]),
		[[paid.message_id, ana, "paid 1.20 EUR: lunch"]]);

	assertProblem(await request(`POST /users/${eve}/transfers`, body), 404);
	assertProblem(await request(`POST /users/${ana}/transfers`, { ...body, amount: 9000 }), 409);
	assert.equal((await request(`GET /users/${bob}/conversations/${id}/messages`)).body.length, 1);
	assert.equal((await request(`GET /users/${eve}/accounts/1/balance`)).body.balance, 500);
	assert.equal((await request(`GET /users/${bob}/accounts/1/balance`)).body.balance, 120);
});

test("a_receipt_names_its_transfer_and_stays_as_it_is", async () => {
	const [ana, bob, eve] = [await user(500, "EUR"), await user(0, "EUR"), await user(0, "EUR")];
	const { id } = await created(`POST /users/${ana}/conversations`, { recipient_id: bob });
	const body = { from_account_id: 1, to_user_id: bob, to_account_id: 1, amount: 120, conversation_id: id };
	const { message_id } = await created(`POST /users/${ana}/transfers`, body);
	const receipt = `/users/${ana}/conversations/${id}/messages/${message_id}`;
	assert.equal(await psql(process.env.PGDATABASE, `SELECT f.user_id FROM parley.messages m JOIN parley.transfers f ON f.id = m.transfer_id
		WHERE m.conversation_id = ${id} AND m.number = ${message_id}`), String(ana));
	assertProblem(await request(`PUT ${receipt}`, { content: "paid 120.00 EUR" }), 409);
	assertProblem(await request(`DELETE ${receipt}`), 409);
	assertProblem(await request(`POST /users/${ana}/conversations/${id}/messages`, { content: "x", transfer_id: 1 }), 400);
	// it is shown to the recipient of the money, and to nobody else
	assertProblem(await request(`POST /users/${ana}/transfers`, { ...body, to_user_id: eve }), 404);
	await created(`POST /users/${ana}/accounts`, { currency: "EUR" });
	assertProblem(await request(`POST /users/${ana}/transfers`, { ...body, to_user_id: ana, to_account_id: 2 }), 422);
	assert.equal((await request(`GET /users/${ana}`)).body.total, 380);
});

test("a_refusal_at_the_receivers_says_nothing_of_the_receiver", async () => {
	const ana = await user(500, "EUR");
	const bob = await user(0, "EUR", "USD", "EUR");
	await psql(process.env.PGDATABASE, `SELECT parley.close_account(${bob}, 3)`);
	await psql(process.env.PGDATABASE, `SELECT FROM parley.post_transactions(array_fill(${bob}::bigint, ARRAY[100]), array_fill(1::bigint, ARRAY[100]),
		array_fill(1000000000000000, ARRAY[100]))`);
	const said = [];
	for (const to_account_id of [1, 2, 3]) {
		const problem = assertProblem(await request(`POST /users/${ana}/transfers`, { from_account_id: 1, to_user_id: bob, to_account_id, amount: 5 }), 409);
		said.push([problem.code, fields(problem), problem.detail.replace(`account ${to_account_id}`, "account N")]);
	}
	assert.deepEqual(said, [said[0], said[0], said[0]]);
	assert.equal((await request(`GET /users/${bob}`)).body.totals[0].total, 100000000000000000);
});

test("without_an_account_there_is_no_expense_and_a_total_of_0", async () => {
	const id = await user(0);
	const { body } = await request(`GET /users/${id}`);
	assert.deepEqual([body.totals, body.total], [[], 0]);
	assertProblem(await request(`GET /users/${id}/transactions/max?from=2001-01-01T00:00:00Z&to=2101-01-01T00:00:00Z`), 404);
});

test("the_trial_balance_adds_up", async () => {
	await user(500, "EUR");
	const { status, body } = await request("GET /ledger/trial-balance");
	assert.equal(status, 200);
	const euros = body.find(({ currency }) => currency === "EUR");
	assert.deepEqual(Object.keys(euros), ["currency", "balances", "came_in", "went_out", "difference"]);
	// Other tests have balances that are too large for JavaScript's numbers.
	const text = await (await fetch(`${url}/ledger/trial-balance`)).text();
	const [balances, cameIn, wentOut] = /"currency":"EUR","balances":(-?\d+),"came_in":(\d+),"went_out":(\d+)/.exec(text).slice(1).map(BigInt);
	assert.equal(balances, cameIn - wentOut);
	assert.deepEqual([...new Set(body.map(({ difference }) => difference))], [0]);
});

test("a_range_of_time_has_a_zone_a_beginning_and_an_end", async () => {
	const id = await user(500, "EUR");
	await created(`POST /users/${id}/accounts/1/transactions`, { amount: -20, memo: "bread" });
	const largest = await created(`POST /users/${id}/accounts/1/transactions`, { amount: -90, memo: "shoes" });
	const max = (query) => request(`GET /users/${id}/transactions/max?${new URLSearchParams(query)}`);
	const from = "2001-01-01T00:00:00Z";
	const to = "2101-01-01T00:00:00+02:00";
	assert.deepEqual((await max({ from, to })).body, largest);
	assert.deepEqual((await max({ from: largest.created_at, to: largest.created_at })).body, largest);
	assertProblem(await max({ from: "2001-01-01T00:00:00Z", to: "2002-01-01T00:00:00Z" }), 404);
	for (const [query, field] of [[{ to }, "from"], [{ from }, "to"], [{ from: to, to: from }, "from"],
		[{ from: "2001-01-01T00:00:00", to }, "from"], [{ from, to: "2101-01-01" }, "to"], [{ from, to: "now" }, "to"]])
		assert.deepEqual(fields(assertProblem(await max(query), 422)), [field], JSON.stringify(query));

	const list = (query) => request(`GET /users/${id}/accounts/1/transactions?${new URLSearchParams(query)}`);
	assert.equal((await list({ from, to })).body.length, 3);
	assert.deepEqual((await list({ from: largest.created_at })).body, [largest]);
	assert.deepEqual(fields(assertProblem(await list({ from: "2001-01-01" }), 422)), ["from"]);
	const { body } = await request(`GET /users/${id}/accounts/1/balance?at=${from}`);
	assert.deepEqual(body, { at: from, balance: 0 });
	assert.equal((await request(`GET /users/${id}/accounts/1/balance`)).body.balance, 390);
});

test("the_last_cent_is_spent_once", async () => {
	const id = await user(1, "EUR");
	const answers = await Promise.all(Array.from({ length: 8 }, () => request(`POST /users/${id}/accounts/1/transactions`, { amount: -1 })));
	assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409, 409, 409, 409, 409, 409]);
});

test("crossing_transfers_all_pass_and_the_sum_stays", async () => {
	const ana = await user(1000, "EUR", "EUR");
	const bob = await user(1000, "EUR");
	const pay = (from, to) => request(`POST /users/${from}/transfers`, { from_account_id: 1, to_user_id: to, to_account_id: 1, amount: 7 });
	const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => (i % 2 ? pay(ana, bob) : pay(bob, ana))));
	assert.deepEqual([...new Set(answers.map(({ status }) => status))], [201]);
	for (const id of [ana, bob]) assert.equal((await request(`GET /users/${id}`)).body.total, 1000);

	// while money moves between a user's own accounts, the total does not change
	let moving = true;
	const moved = (async () => {
		for (let i = 0; i < 40; i++)
			await created(`POST /users/${ana}/transfers`, { from_account_id: 1 + (i % 2), to_user_id: ana, to_account_id: 2 - (i % 2), amount: 500 });
		moving = false;
	})();
	const totals = new Set();
	while (moving) totals.add((await request(`GET /users/${ana}`)).body.total);
	await moved;
	assert.deepEqual([...totals], [1000]);
});
