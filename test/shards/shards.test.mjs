// Home, two shards and the front: the routes are those of one database, and lists show what one database would show. While a shard is
// away, killed or split under load, nothing that was acknowledged is lost or duplicated, and no follower of sync misses anything.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Client } from "../support/client.mjs";
import { Cluster } from "../support/clusters.mjs";
import { EventStream } from "../support/events.mjs";
import { startGateways } from "../support/gateways.mjs";
import { until } from "../support/http.mjs";
import { phone, word } from "../support/people.mjs";
import { ShardedCluster } from "../support/shards.mjs";
import { SteadfastLoad } from "../support/steadfast_load.mjs";

let cluster, url, client;

before(async (t) => {
	cluster = await ShardedCluster.create(t);
	[{ url }] = await startGateways(t, 1, { ...(await cluster.env("front")), PGUSER: "parley_gateway", PARLEY_STREAM_HEARTBEAT_MS: "500" });
	client = new Client(url);
}, { timeout: 300000 });

async function answered(status, line, body, headers) {
	const answer = await client.request(line, body, headers);
	assert.equal(answer.status, status, `${line}: ${JSON.stringify(answer.body)}`);
	return answer;
}

const made = async (line, body, headers) => (await answered(201, line, body, headers)).body;

test("routes_are_those_of_one_database_but_for_the_functions", { timeout: 300000 }, async (t) => {
	const one = await Cluster.create(t);
	const describe = "SELECT json_agg(to_jsonb(r) - 'function' - 'statement' - 'batch' ORDER BY r.path, r.method) FROM parley.describe_routes() r";
	assert.deepEqual(JSON.parse(await cluster.psql("front", describe)), JSON.parse(await one.psql(describe)));
});

test("lists_show_what_all_shards_have_together", { timeout: 300000 }, async () => {
	for (let n = 0; n < 12; n++) {
		const contact = await made("POST /contacts", { name: `scattered ${n % 3}`, phone: phone() });
		const { id } = await made(`POST /contacts/${contact.id}/conversation`);
		for (let m = 0; m <= n % 3; m++) await made(`POST /conversations/${id}/messages`, { content: `${word()} ${m % 2 ? "odd" : "even"}` });
	}
	for (const search of ["", "&searchValue=odd", "&searchValue=scattered%201", "&searchValue=nowhere"]) {
		const term = decodeURIComponent(search.split("=")[1] ?? "");
		// Search each shard directly, which the search tests compare with their oracle, and take the newest of all results.
		const expected = (await cluster.all(`SELECT * FROM parley.list_conversations('${term}', "limit" => 200)`))
			.sort((a, b) => (a.timestamp < b.timestamp ? 1 : -1)).map((row) => `${row.conversation_id}/${row.message_id}`);
		const shown = [];
		let target = `/conversations?limit=5&count=exact${search}`;
		for (let pages = 1; target !== undefined; pages++) {
			const answer = await answered(200, `GET ${target}`);
			assert.equal(answer.headers["x-total-count"], String(expected.length));
			shown.push(...answer.body.map((row) => `${row.conversation_id}/${row.message_id}`));
			assert.deepEqual((await answered(200, `GET /conversations?limit=5&page=${pages}${search}`)).body, answer.body);
			target = /<([^>]*)>; *rel="next"/.exec(answer.headers.link ?? "")?.[1];
		}
		assert.deepEqual(shown, expected, search);
	}
});

test("errors_name_the_field_as_one_database_does", async () => {
	const [one, other] = [await made("POST /users", { phone: phone() }), await made("POST /users", { phone: phone() })];
	const { id } = await made(`POST /users/${one.id}/conversations`, { recipient_id: other.id });
	const { body } = await answered(404, `GET /users/${one.id}/conversations/${id}/messages/9`);
	assert.deepEqual([body.code, body.errors], ["P0002", [{ field: "message_id", detail: body.detail }]]);
	assert.doesNotMatch(JSON.stringify(body), /REMOTE|shard|PL\/Proxy|[\u001f]/);
	// Clients must not see PL/Proxy's own messages.
	assert.doesNotMatch(JSON.stringify((await answered(409, "POST /users", { phone: one.phone })).body), /REMOTE|shard|PL\/Proxy/);
});

test("receipt_that_a_crash_left_out_is_settled", async () => {
	const users = [await made("POST /users", { phone: phone() }), await made("POST /users", { phone: phone() })];
	const { id } = await made(`POST /users/${users[0].id}/conversations`, { recipient_id: users[1].id });
	for (const user of users) user.account = (await made(`POST /users/${user.id}/accounts`, { currency: "EUR" })).id;
	await made(`POST /users/${users[0].id}/accounts/1/transactions`, { amount: 1000 });
	const transfer = { from_account_id: 1, to_user_id: users[1].id, to_account_id: 1, amount: 300, memo: "lunch", conversation_id: id };
	const key = { "idempotency-key": word() };
	const first = await made(`POST /users/${users[0].id}/transfers`, transfer, key);
	assert.equal(first.message_id, 1);
	assert.deepEqual(await made(`POST /users/${users[0].id}/transfers`, transfer, key), first);
	await answered(422, `POST /users/${users[0].id}/transfers`, { ...transfer, conversation_id: undefined, amount: 301 }, key);
	// Home has committed, but the front died before it reached the shard.
	await cluster.psql("home", `SELECT parley_shard.post_transfer(${users[0].id}, 1, ${users[1].id}, 1, 200, NULL, ${id}, 'left-out')`);
	assert.equal(await cluster.psql("front", "SELECT parley_front.settle()"), "1");
	assert.equal(await cluster.psql("front", "SELECT parley_front.settle()"), "0");
	const { body } = await answered(200, `GET /users/${users[1].id}/conversations/${id}/messages`);
	const transfers = JSON.parse(await cluster.psql("home", `SELECT json_agg(id ORDER BY number) FROM parley.transfers WHERE user_id = ${users[0].id}`));
	assert.deepEqual(body.map(({ content, transfer_id }) => [content, transfer_id]),
		[["paid 3.00 EUR: lunch", transfers[0]], ["paid 2.00 EUR", transfers[1]]]);
	await answered(409, `PUT /users/${users[0].id}/conversations/${id}/messages/1`, { content: "never" });
	const own = await answered(422, `POST /users/${users[0].id}/transfers`, { ...transfer, to_user_id: users[0].id, to_account_id: 2 });
	assert.equal(own.body.errors[0].field, "conversation_id");

	// A blocked user cannot pay there, but a retry of an earlier payment gets its response. A receipt that cannot be posted does not keep
	// others from being posted.
	await answered(204, `PUT /users/${users[1].id}/blocks/${users[0].id}`);
	await answered(403, `POST /users/${users[0].id}/transfers`, transfer, { "idempotency-key": word() });
	assert.deepEqual(await made(`POST /users/${users[0].id}/transfers`, transfer, key), first);
	assert.equal(await cluster.psql("home", `SELECT balance FROM parley.accounts WHERE user_id = ${users[0].id}`), "500");
	const left = (from, to) => cluster.psql("home", `SELECT parley_shard.post_transfer(${from.id}, 1, ${to.id}, 1, 100, NULL, ${id}, 'left-too')`);
	await left(users[0], users[1]);
	await left(users[1], users[0]);
	assert.equal(await cluster.psql("front", "SELECT parley_front.settle()"), "1");
	await answered(204, `DELETE /users/${users[1].id}/blocks/${users[0].id}`);
	assert.equal(await cluster.psql("front", "SELECT parley_front.settle()"), "1");
});

// Returns users who have direct conversations with others on both shards, one after another: { id, phone, talks: [id on shard 0, id on shard 1] }.
async function userOnBothShards() {
	const user = await made("POST /users", { name: "Erasable Eve", phone: phone() });
	const talks = [];
	for (let n = 0; talks[0] === undefined || talks[1] === undefined; n++) {
		assert.ok(n < 20);
		// The conversation belongs to the shard of the lower id, so the other must have registered before.
		const other = others[n] ??= await made("POST /users", { phone: phone() });
		if (other.id > user.id) continue;
		const { id } = await made(`POST /users/${user.id}/conversations`, { recipient_id: other.id });
		talks[id & 1] ??= { id, other };
	}
	return { ...user, talks };
}
const others = [];

const textsOf = async (user) => (await cluster.all(`SELECT content FROM parley.messages WHERE sender_id = ${user.id} AND content <> ''`)).length;

test("contact_is_erased_on_every_shard_and_what_a_crash_left_is_settled", { timeout: 300000 }, async () => {
	for (let n = 0; n < 4; n++) others.push(await made("POST /users", { phone: phone() }));
	for (const crash of [false, true]) {
		const user = await userOnBothShards();
		for (const { id } of user.talks) await made(`POST /users/${user.id}/conversations/${id}/messages`, { content: "erasable" });
		const [before] = await cluster.all(`SELECT to_jsonb(c) AS row FROM parley.contacts c WHERE c.id = ${user.id}`);
		if (crash) {
			// Home has committed, but the front died before it reached the shards.
			await cluster.psql("home", `SELECT parley_shard.begin_erasure(${user.id}, NULL)`);
			assert.equal(await textsOf(user), 2);
			assert.equal(await cluster.psql("front", "SELECT parley_front.settle()"), "1");
		}
		const { body: receipt } = await answered(200, `POST /contacts/${user.id}/erasure`);
		assert.deepEqual([receipt.contact_id, receipt.messages, receipt.fields], [user.id, 2, ["name", "phone"]]);
		assert.deepEqual((await answered(200, `POST /contacts/${user.id}/erasure`)).body, receipt);
		assert.equal(await textsOf(user), 0);
		// A request that read the row before the erasure does not bring it back.
		for (const shard of ["shard0", "shard1"]) {
			await cluster.psql(shard, `SELECT parley_shard.remember('contacts', '${JSON.stringify(before.row)}')`);
			assert.equal(await cluster.psql(shard, `SELECT count(*) FROM parley.contacts WHERE id = ${user.id} AND num_nonnulls(name, phone) > 0`), "0");
		}
		for (const { id } of user.talks) assert.ok((await answered(200, `GET /conversations/${id}/messages`)).body[0].deleted_at);
	}
	assert.equal(await cluster.psql("front", "SELECT * FROM parley_front.audit()"), "");
});

test("contacts_are_merged_on_every_shard_and_what_a_crash_left_is_settled", { timeout: 300000 }, async () => {
	for (const crash of [false, true]) {
		const [one, two] = [await userOnBothShards(), await userOnBothShards()];
		for (const { id } of two.talks) await made(`POST /users/${two.id}/conversations/${id}/messages`, { content: "from two" });
		await answered(204, `PUT /users/${two.talks[0].other.id}/blocks/${two.id}`);
		if (crash) {
			await cluster.psql("home", `SELECT parley_shard.begin_merge(${one.id}, ${two.id})`);
			assert.equal(await cluster.psql("front", "SELECT parley_front.settle()"), "1");
		}
		for (let again = 0; again < 2; again++) {
			const { body: merged } = await answered(200, `POST /contacts/${one.id}/merge`, { from_contact_id: two.id });
			assert.deepEqual([merged.id, merged.phone], [one.id, one.phone]);
		}
		const { body: list } = await answered(200, `GET /users/${one.id}/conversations`);
		assert.deepEqual(list.map((row) => row.conversation_id).sort(), two.talks.map(({ id }) => id).sort());
		// A block goes on, and a new one reaches the conversations that were merged.
		await answered(403, `POST /users/${one.id}/conversations/${two.talks[0].id}/messages`, { content: "blocked" });
		await made(`POST /users/${one.id}/conversations/${two.talks[1].id}/messages`, { content: "merged" });
		await answered(204, `PUT /users/${two.talks[1].other.id}/blocks/${one.id}`);
		await answered(403, `POST /users/${one.id}/conversations/${two.talks[1].id}/messages`, { content: "blocked" });
		await answered(204, `DELETE /users/${two.talks[1].other.id}/blocks/${one.id}`);
		await made(`POST /users/${one.id}/conversations/${two.talks[1].id}/messages`, { content: "free" });
		await answered(204, `DELETE /users/${two.talks[0].other.id}/blocks/${one.id}`);
	}
	const [one, two] = [await userOnBothShards(), await made("POST /users", { phone: phone() })];
	await made(`POST /users/${one.id}/conversations`, { phone: two.phone });
	await answered(409, `POST /contacts/${one.id}/merge`, { from_contact_id: two.id });
	assert.equal(await cluster.psql("front", "SELECT * FROM parley_front.audit()"), "");
});

test("copies_that_a_shard_missed_while_it_was_away_are_settled", { timeout: 300000 }, async () => {
	const user = await userOnBothShards();
	const agent = await made("POST /agents", { name: "Old Olga", email: `${word()}@example.org` });
	const due = async () => JSON.parse(await cluster.psql("home", "SELECT coalesce(json_agg(relation || ' ' || row_id ORDER BY number), '[]') FROM parley_shard.copies_due"));
	assert.deepEqual(await due(), []);

	await cluster.one("stop", "shard1");
	const renamed = await answered(200, `PUT /contacts/${user.id}`, { name: "Renamed Rosa" });
	assert.equal(renamed.body.name, "Renamed Rosa");
	assert.equal((await answered(200, `GET /users/${user.id}`)).body.name, "Renamed Rosa");
	await answered(200, `PUT /agents/${agent.id}`, { name: "New Olga" });
	const email = `${word()}@example.org`;
	const added = await made("POST /agents", { name: "Added Ada", email });
	const missed = [`contacts ${user.id}`, `agents ${agent.id}`, `agents ${added.id}`];
	assert.deepEqual(await due(), missed);
	// It cannot be settled before the shard is back, and stays due.
	assert.equal(await cluster.psql("front", "SELECT parley_front.settle()"), "0");
	assert.deepEqual(await due(), missed);
	// A block is not enforced before the shard knows of it, so that is no success, although home has it.
	const refused = await answered(503, `PUT /users/${user.id}/blocks/${user.talks[1].other.id}`);
	assert.deepEqual([refused.body.code, refused.headers["retry-after"]], ["08006", "1"]);

	await cluster.one("start", "shard1");
	await until(async () => (await client.request("GET /conversations?limit=1")).headers["x-incomplete"] === undefined, "the shard is back");
	const found = (await cluster.psql("front", "SELECT * FROM parley_front.audit()")).split("\n").sort();
	// The copies may be overdue too.
	assert.deepEqual(found.filter((line) => / is not what home has$/.test(line)), [`agents: the copy of ${agent.id} is not what home has`, `contacts: the copy of ${user.id} is not what home has`]);
	assert.equal(await cluster.psql("front", "SELECT parley_front.settle()"), "3");
	assert.equal(await cluster.psql("front", "SELECT * FROM parley_front.audit()"), "");
	assert.deepEqual(await due(), []);
	for (const shard of ["shard0", "shard1"]) assert.equal(await cluster.psql(shard, `SELECT count(*) FROM parley.agents WHERE email = '${email}'`), "1");
	await answered(204, `PUT /users/${user.id}/blocks/${user.talks[1].other.id}`);
	await answered(403, `POST /users/${user.talks[1].other.id}/conversations/${user.talks[1].id}/messages`, { content: "blocked" });
});

// What a change notes while its predecessor is being copied stays due.
test("copy_that_was_changed_meanwhile_stays_due", async () => {
	const contact = await made("POST /contacts", { name: "Changing Charlie" });
	const note = () => cluster.psql("home", `SELECT parley_shard.note_copy('contacts', ${contact.id})`);
	const number = () => cluster.psql("home", `SELECT number FROM parley_shard.get_copy_due('contacts', ${contact.id})`);
	await note();
	const before = await number();
	await note();
	await cluster.psql("home", `SELECT parley_shard.forget_copy('contacts', ${contact.id}, ${before})`);
	assert.notEqual(await number(), "");
	assert.equal(await cluster.psql("front", "SELECT parley_front.settle()"), "1");
	assert.equal(await number(), "");
});

test("row_that_was_read_before_a_change_is_not_copied_after_it", async () => {
	const contact = await made("POST /contacts", { name: "Early Erin" });
	const early = await cluster.psql("home", `SELECT parley_shard.get_row('contacts', ${contact.id})`);
	await answered(200, `PUT /contacts/${contact.id}`, { name: "Late Erin" });
	// As a request would that has read the row just before the change.
	const shard = `shard${contact.id % 2}`;
	await cluster.psql(shard, `SELECT parley_shard.open_contact_conversation('${early}')`);
	assert.equal(await cluster.psql(shard, `SELECT name FROM parley.contacts WHERE id = ${contact.id}`), "Late Erin");
	assert.equal(await cluster.psql("front", "SELECT * FROM parley_front.audit()"), "");
});

// Compares every response that the load received with what the databases contain now.
async function assertLoadIsWhole(load) {
	await load.stop();
	const messages = await cluster.all(`SELECT conversation_id || '/' || number AS place, idempotency_key AS key, content, created_at
		FROM parley.messages WHERE conversation_id IN (${load.pairs.map(({ id }) => id)})`);
	load.assertNothingIsLostOrTwice(messages);
	const users = load.pairs.flatMap((pair) => pair.users.map(({ id }) => id));
	load.assertMoneyIsRight(JSON.parse(await cluster.psql("home", `
		SELECT json_build_object('balance', (SELECT sum(balance) FROM parley.accounts WHERE user_id IN (${users})),
			'keys', (SELECT json_agg(json_build_array(key, n)) FROM (
				SELECT idempotency_key AS key, count(*) AS n FROM parley.transactions WHERE idempotency_key IS NOT NULL GROUP BY 1) k))`)));
	assert.equal(await cluster.psql("front", "SELECT * FROM parley_front.audit()"), "");
}

async function postmaster(name) {
	const data = join(await cluster.one("socket", name), "../data");
	return Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0]);
}

// Stops all processes of a database, first the one that starts others. Returns a function that lets them go on.
async function freeze(t, name) {
	const pids = [await postmaster(name)];
	const thaw = () => signal(pids, "SIGCONT");
	t.after(thaw);
	signal(pids, "SIGSTOP");
	await until(() => readFileSync(`/proc/${pids[0]}/stat`, "utf8").split(" ")[2] === "T", "it has stopped");
	pids.push(...readFileSync(`/proc/${pids[0]}/task/${pids[0]}/children`, "utf8").trim().split(" ").map(Number));
	signal(pids, "SIGSTOP");
	return thaw;
}

function signal(pids, name) {
	for (const pid of pids) {
		try {
			process.kill(pid, name);
		} catch (error) {
			if (error.code !== "ESRCH") throw error;
		}
	}
}

async function foundLate() {
	return Number(/^parley_stream_found_late_total (\d+)/m.exec(await (await fetch(`${url}/metrics`)).text())[1]);
}

// What each request returns while shard 1 is away. there and away are pairs of the load.
async function assertOnlyItsOwnIsAway(there, away) {
	const posted = await answered(201, `POST /users/${there.users[0].id}/conversations/${there.id}/messages`, { content: "here" }, { "idempotency-key": word() });
	const { body } = await answered(503, `POST /users/${away.users[0].id}/conversations/${away.id}/messages`, { content: "not here" });
	assert.doesNotMatch(JSON.stringify(body), /PL\/Proxy|socket/);
	await answered(200, `GET /users/${away.users[0].id}`);
	const list = await answered(200, "GET /conversations?limit=200&count=exact");
	assert.equal(list.headers["x-incomplete"], "true");
	assert.equal(list.headers["x-total-count"], String(list.body.length));
	assert.ok(list.body.some((row) => row.conversation_id === there.id));
	assert.ok(list.body.every((row) => (row.conversation_id & 1) === 0));
	const none = await answered(200, `GET /users/${away.users[0].id}/conversations`);
	assert.deepEqual([none.body, none.headers["x-incomplete"]], [[], "true"]);
	assert.equal((await answered(200, "GET /applications?limit=1")).headers["x-incomplete"], "true");
	const cursors = [there, away].map(({ cursor }) => cursor);
	const [mine, theirs] = await Promise.all([there, away].map(({ users }, n) => answered(200, `GET /users/${users[0].id}/sync?limit=200&cursor=${cursors[n]}`)));
	assert.ok(mine.body.incomplete && mine.body.messages.some(({ message_id }) => message_id === posted.body.message_id));
	assert.ok(theirs.body.incomplete && theirs.body.messages.length === 0 && !theirs.body.more);
	assert.equal(theirs.body.cursor.split("_").at(-1), away.cursor.split("_").at(-1), "the shard's own cursor stays");
}

// Waits until lists are whole again, and returns the messages that a pair's user is told since their cursor.
async function newWhenAllAreBack(pair) {
	await until(async () => {
		const { status, headers } = await client.request("GET /conversations?limit=1");
		return status === 200 && headers["x-incomplete"] === undefined;
	}, "no shard is away");
	const { body } = await answered(200, `GET /users/${pair.users[0].id}/sync?limit=200&cursor=${pair.cursor}`);
	assert.equal(body.incomplete, false);
	pair.cursor = body.cursor;
	return body.messages.map((message) => message.message_id);
}

test("shard_that_is_away_takes_only_its_own_with_it_and_nothing_is_lost", { timeout: 900000 }, async (t) => {
	const load = await SteadfastLoad.begin(url, { pairs: 4 });
	t.after(() => load.abandon());
	load.start();
	await load.untilAcknowledgedAfter(Date.now(), 120000);
	// Two pairs that only this test posts to.
	const [there, away] = (await SteadfastLoad.begin(url, { pairs: 2 })).pairs.sort((a, b) => (a.id & 1) - (b.id & 1));
	for (const pair of [there, away]) pair.cursor = (await answered(200, `GET /users/${pair.users[0].id}/sync`)).body.cursor;

	// Stopped: connections are refused.
	await cluster.one("stop", "shard1");
	await assertOnlyItsOwnIsAway(there, away);
	await load.untilAcknowledgedAfter(Date.now(), 120000);
	await cluster.one("start", "shard1");
	assert.deepEqual(await newWhenAllAreBack(away), []);
	await cluster.wait("6s");
	assert.deepEqual(await newWhenAllAreBack(away), []);
	const { message_id } = await made(`POST /users/${away.users[1].id}/conversations/${away.id}/messages`, { content: "back" });

	// Frozen: nothing is refused, and nothing responds.
	const thaw = await freeze(t, "shard1");
	const began = Date.now();
	away.cursor = (await answered(200, `GET /users/${away.users[0].id}/sync?limit=200&cursor=${away.cursor}`)).body.cursor;
	t.diagnostic(`the first sync took ${Date.now() - began} ms`);
	await assertOnlyItsOwnIsAway(there, away);
	const requests = Array.from({ length: 40 }, (_, n) => new Client(url).request(`GET /users/${[there, away][n % 2].users[0].id}/conversations/${[there, away][n % 2].id}/messages`));
	const answers = await Promise.all(requests);
	assert.ok(answers.every(({ status }, n) => status === (n % 2 ? 503 : 200)), JSON.stringify(answers.map(({ status }) => status)));
	await load.untilAcknowledgedAfter(Date.now(), 120000);
	assert.ok(Number(await cluster.psql("front", "SELECT count(*) FROM pg_stat_activity WHERE usename = 'parley_gateway'")) < 60);
	thaw();
	await cluster.wait("60s");
	assert.deepEqual(await newWhenAllAreBack(away), [message_id]);
	assert.deepEqual(await newWhenAllAreBack(away), []);

	// Killed in the middle.
	signal([await postmaster("shard0")], "SIGQUIT");
	await until(() => cluster.one("start", "shard0").then(() => true, () => false), "it has started again");
	await newWhenAllAreBack(there);
	await assertLoadIsWhole(load);
	assert.equal(await foundLate(), 0);
});

// What each request returns while home is away. Messages do not need it, and everything that has to do with contacts and money does.
async function assertHomeIsAway([user, other], talk, transfer, key, cursor) {
	await answered(200, "GET /ready");
	for (const [line, body, headers] of [[`GET /users/${user.id}`], ["POST /users", { phone: phone() }], [`PUT /contacts/${user.id}`, { name: "never" }],
		[`POST /users/${user.id}/conversations`, { recipient_id: other.id }], [`GET /users/${user.id}/accounts`], [`POST /users/${user.id}/transfers`, transfer, key]]) {
		const refused = await answered(503, line, body, headers);
		// The one that tries again whether a frozen database responds does not know what it has done.
		assert.match(refused.body.code, /^0800[16]$/, line);
		assert.equal(refused.headers["retry-after"], "1", line);
	}
	const { message_id } = await made(`POST /users/${user.id}/conversations/${talk}/messages`, { content: "without home" });
	assert.equal((await answered(200, `GET /users/${other.id}/conversations/${talk}/messages/${message_id}`)).body.content, "without home");
	const list = await answered(200, `GET /users/${user.id}/conversations`);
	assert.deepEqual([list.body.map((row) => row.conversation_id), list.headers["x-incomplete"]], [[talk], undefined]);
	const { body } = await answered(200, `GET /users/${other.id}/sync?cursor=${cursor}`);
	assert.deepEqual([body.incomplete, body.messages.at(-1).message_id, body.transactions], [true, message_id, []]);
	return body.cursor;
}

test("messages_go_on_while_home_is_away_and_money_waits", { timeout: 900000 }, async (t) => {
	const users = [await made("POST /users", { phone: phone() }), await made("POST /users", { phone: phone() })];
	const { id: talk } = await made(`POST /users/${users[0].id}/conversations`, { recipient_id: users[1].id });
	for (const user of users) await made(`POST /users/${user.id}/accounts`, { currency: "EUR" });
	await made(`POST /users/${users[0].id}/accounts/1/transactions`, { amount: 1000 });
	const transfer = { from_account_id: 1, to_user_id: users[1].id, to_account_id: 1, amount: 300 };
	let { cursor } = (await answered(200, `GET /users/${users[1].id}/sync`)).body;
	const stream = await EventStream.open(url, `/users/${users[1].id}/events?cursor=${cursor}`);
	t.after(() => stream.request.destroy());
	const patient = new Client(url, { patience: 120 });

	let thaw;
	const freezes = async () => {
		await cluster.wait("6s");
		thaw = await freeze(t, "home");
	};
	const thaws = async () => {
		thaw();
		await cluster.wait("60s");
	};
	for (const [goes, comes] of [[freezes, thaws], [() => cluster.one("stop", "home"), () => cluster.one("start", "home")]]) {
		const key = { "idempotency-key": word() };
		await goes();
		// Of a frozen one the first request does not know whether it has done something.
		await until(async () => (await client.request(`GET /users/${users[0].id}`)).body.code === "08001", "home is away");
		cursor = await assertHomeIsAway(users, talk, transfer, key, cursor);
		await comes();
		await until(async () => (await client.request(`GET /users/${users[0].id}`)).status === 200, "home is back");
		const { status, body: paid } = await patient.request(`POST /users/${users[0].id}/transfers`, transfer, key);
		assert.equal(status, 201);
		const { body } = await answered(200, `GET /users/${users[1].id}/sync?cursor=${cursor}`);
		assert.deepEqual([body.incomplete, body.messages, body.transactions.map(({ id }) => id)], [false, [], [paid.to_transaction.id]]);
		cursor = body.cursor;
		await until(() => stream.events.some(({ data }) => data.transactions?.some(({ id }) => id === paid.to_transaction.id)), "the stream tells it");
	}
	assert.equal((await answered(200, `GET /users/${users[0].id}`)).body.total, 400);
	assert.equal(await cluster.psql("front", "SELECT * FROM parley_front.audit()"), "");
});

test("split_under_load_loses_nothing_and_cursors_go_on", { timeout: 900000 }, async (t) => {
	const load = await SteadfastLoad.begin(url, { pairs: 8 });
	t.after(() => load.abandon());
	load.start();
	await load.untilAcknowledgedAfter(Date.now(), 120000);
	t.diagnostic(await cluster.split());
	await load.untilAcknowledgedAfter(Date.now(), 120000);
	assert.ok(load.pairs.some(({ id }) => (id & 3) >= 2), "some belong to the new shards");
	await assertLoadIsWhole(load);
	t.diagnostic(`no message was acknowledged for ${load.silence(0, load.postedAt)} ms; ${load.posted.size} messages`);
	assert.ok(load.readers.every((reader) => reader.gone.length === 0));
	for (let n = 0; n < 4; n++) {
		assert.equal(await cluster.psql(`shard${n}`, `SELECT count(*) FROM parley.conversations WHERE (id & 3) <> ${n}`), "0");
	}
});
