// A highly available cluster while the primary's machine is lost, frozen or cut off, and comes back. Nothing that was
// acknowledged is lost or duplicated, neither messages nor money. Followers miss nothing, and nobody has to start over unless
// they were told something that is lost. All of this with the timers of deploy/ha.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { FailoverCluster } from "../support/failover.mjs";
import { ConnectionLost, Session } from "../support/psql_session.mjs";
import { SteadfastLoad } from "../support/steadfast_load.mjs";

const bound_ms = 120000; // it takes some 7 s on a machine that does nothing else
let cluster, load;

before(async (t) => {
	cluster = await FailoverCluster.create(t);
	load = await SteadfastLoad.begin(await cluster.startGateway(t));
	load.start();
	t.after(() => load.abandon());
	await load.untilAcknowledgedAfter(Date.now(), bound_ms);
}, { timeout: 300000 });

// Breaks the primary's machine, waits until another one takes over, and repairs it. Returns how long nothing was acknowledged.
async function failOver(t, breakIt, mendIt) {
	const primary = await cluster.primary();
	await breakIt(primary);
	const broken = Date.now();
	await cluster.untilReplaced(primary);
	// Whatever was in progress has arrived by now.
	await load.untilAcknowledgedAfter(Math.max(broken + 1000, Date.now()), bound_ms);
	const silence = load.silence(broken - 1000);
	await mendIt(primary);
	await cluster.script("await");
	t.diagnostic(`longest silence ${silence} ms, from ${new Date(broken).toISOString()}`);
	return silence;
}

test("primary_whose_machine_is_lost_is_replaced_and_comes_back", { timeout: 600000 }, async (t) => {
	await failOver(t, (primary) => cluster.signal(primary, "SIGKILL"), (primary) => cluster.script("start", primary));
});

test("primary_that_is_frozen_acknowledges_nothing_when_it_thaws", { timeout: 600000 }, async (t) => {
	const primary = await cluster.primary();
	const [{ id, users }] = load.pairs;
	const sessions = [1, 2, 3].map(async () => new Session(await cluster.env(primary)));
	const [before, ...during] = await Promise.all(sessions);
	t.after(() => Promise.all([before, ...during].map((session) => session.close())));
	const post = (session) => session.rows(`SELECT message_id FROM parley.post_user_message(${id}, 'thawed', ${users[0].id})`);
	for (const session of [before, ...during]) await session.statement("SELECT 1");
	let asked;
	await failOver(t, async (machine) => {
		await cluster.signal(machine, "SIGSTOP");
		asked = during.map((session) => post(session).then((rows) => rows.error ?? "acknowledged", (error) => error.constructor));
	}, (machine) => cluster.signal(machine, "SIGCONT"));
	for (const answer of await Promise.all(asked)) assert.ok(answer === ConnectionLost || /^(57P0|25006)/.test(answer), String(answer));
});

for (const [others, whole] of [["monitor_and_standby_but_not_from_clients", false], ["everybody", true]]) {
	test(`primary_that_is_cut_off_from_${others}_is_replaced`, { timeout: 600000 }, async (t) => {
		assert.ok(cluster.network, "network namespaces can only be made as root");
		await failOver(t, (machine) => cluster.cut(machine, { whole }), (machine) => cluster.heal(machine, { whole }));
	});
}

test("nothing_is_lost_doubled_or_missed", { timeout: 600000 }, async (t) => {
	await load.stop();
	const stored = JSON.parse(await cluster.psql(`
		SELECT json_agg(json_build_object('place', conversation_id || '/' || number, 'key', idempotency_key, 'content', content, 'created_at', created_at))
		FROM parley.messages WHERE idempotency_key IS NOT NULL`));
	const transactions = JSON.parse(await cluster.psql(`
		SELECT json_agg(json_build_object('place', user_id || '/' || account_id || '/' || number, 'created_at', created_at)) FROM parley.transactions`));
	load.assertNothingIsLostOrTwice(stored, transactions);
	load.assertMoneyIsRight(JSON.parse(await cluster.psql(`
		SELECT json_build_object('balance', (SELECT sum(balance) FROM parley.accounts),
			'keys', (SELECT json_agg(json_build_array(key, n)) FROM (
				SELECT idempotency_key AS key, count(*) AS n FROM parley.transactions WHERE idempotency_key IS NOT NULL GROUP BY 1) k))`)));
	for (const audit of ["audit_conversations", "audit_ledger"]) assert.equal(await cluster.psql(`SELECT * FROM parley.${audit}()`), "");
	t.diagnostic(`${load.posted.size} messages, ${load.paid.size} transfers, ${load.replays} replays`);
});
