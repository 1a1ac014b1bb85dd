// Home, a shard, and a shard that is a pair of nodes which fail over. While the pair's primary is frozen, comes back, and while the next
// one is lost, nothing that was acknowledged is lost or duplicated, followers of sync and streams miss nothing, and the other shard goes
// on.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { FailoverCluster } from "../support/failover.mjs";
import { startGateways } from "../support/gateways.mjs";
import { ShardedCluster } from "../support/shards.mjs";
import { SteadfastLoad } from "../support/steadfast_load.mjs";

const bound_ms = 120000;
let cluster, pair, load;

before(async (t) => {
	cluster = await ShardedCluster.create(t);
	pair = await FailoverCluster.create(t);
	await pair.psql("CREATE EXTENSION parley_shard");
	const places = { shard1: await pair.place() };
	await cluster.wait("60s", places);
	const [{ url }] = await startGateways(t, 1, { ...(await cluster.env("front")), PGUSER: "parley_gateway", PARLEY_STREAM_HEARTBEAT_MS: "500" });
	load = await SteadfastLoad.begin(url, { pairs: 4 });
	await cluster.wait("3s", places);
	load.start();
	t.after(() => load.abandon());
	await load.untilAcknowledgedAfter(Date.now(), bound_ms);
}, { timeout: 600000 });

// The pairs of users whose conversation is on a shard.
const on = (shard) => load.pairs.filter(({ id }) => (id & 1) === shard);

async function failOver(t, signal) {
	const primary = await pair.primary();
	await pair.signal(primary, signal);
	const broken = Date.now();
	await pair.untilReplaced(primary);
	// Whatever was in progress has arrived by now.
	await load.untilPostedAfter(Math.max(broken + 1000, Date.now()), on(1), bound_ms);
	const silence = (pairs) => load.silence(broken - 1000, pairs.flatMap((each) => each.postedAt));
	t.diagnostic(`longest silence ${silence(on(1))} ms, on the other shard ${silence(on(0))} ms`);
	return primary;
}

test("primary_of_a_shard_that_is_frozen_is_replaced_and_comes_back", { timeout: 600000 }, async (t) => {
	const primary = await failOver(t, "SIGSTOP");
	await pair.signal(primary, "SIGCONT");
	await pair.script("await");
});

test("primary_of_a_shard_whose_machine_is_lost_is_replaced", { timeout: 600000 }, (t) => failOver(t, "SIGKILL"));

test("nothing_is_lost_doubled_or_missed", { timeout: 300000 }, async (t) => {
	await load.stop();
	const stored = `SELECT coalesce(json_agg(json_build_object('place', conversation_id || '/' || number, 'key', idempotency_key, 'content', content, 'created_at', created_at)), '[]')
		FROM parley.messages WHERE idempotency_key IS NOT NULL`;
	load.assertNothingIsLostOrTwice([...JSON.parse(await cluster.psql("shard0", stored)), ...JSON.parse(await pair.psql(stored))]);
	load.assertMoneyIsRight(JSON.parse(await cluster.psql("home", `
		SELECT json_build_object('balance', (SELECT sum(balance) FROM parley.accounts),
			'keys', (SELECT json_agg(json_build_array(key, n)) FROM (
				SELECT idempotency_key AS key, count(*) AS n FROM parley.transactions WHERE idempotency_key IS NOT NULL GROUP BY 1) k))`)));
	assert.equal(await cluster.psql("front", "SELECT * FROM parley_front.audit()"), "");
	t.diagnostic(`${load.posted.size} messages, ${load.replays} replays`);
});
