// Runs the end-to-end tests on home, two shards and the front. All must pass except those named here, each with its reason; one that
// passes after all must be removed from the list.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../support/database.mjs";
import { startGateways } from "../support/gateways.mjs";
import { ShardedCluster } from "../support/shards.mjs";

const looks = "looks into tables of the one database, or writes to them, which at the front are empty";
const never = "a cursor of sync's is never gone: the database that cannot resume it starts over, alone";
const cannot = new Map(Object.entries({
	a_closed_account_is_a_conflict: looks,
	a_receipt_names_its_transfer_and_stays_as_it_is: looks,
	a_refusal_at_the_receivers_says_nothing_of_the_receiver: looks,
	backlog_comes_in_events_of_a_page_each: looks,
	reader_that_reads_a_long_event_slowly_but_steadily_gets_all_of_it: looks,
	reader_that_stops_is_cut_off_and_holds_up_nobody: looks,
	sixteen_clients_behind_nginx_lose_and_double_nothing: looks,
	stream_of_somebody_who_is_no_more_is_gone: looks,
	streams_that_sync_together_fail_alone: looks,
	what_is_found_late_is_counted: looks,
	cursor_that_cannot_be_resumed_is_gone: never,
	refusals_come_before_the_headers: never,
}));

// → the names of a file's tests, by result
async function run(file, env) {
	// Without the variable by which node recognizes that a test started it, and then prints nothing.
	const { NODE_TEST_CONTEXT, ...own } = process.env;
	const child = spawn(process.execPath, ["--test", "--test-reporter=tap", join(root, "test/e2e", file)], { env: { ...own, ...env } });
	let output = "";
	child.stdout.on("data", (data) => (output += data));
	await new Promise((resolve) => child.once("close", resolve));
	const named = (pattern) => [...output.matchAll(pattern)].map(([, name]) => name);
	return { passed: named(/^ok \d+ - (.*)$/gm), failed: named(/^not ok \d+ - (.*)$/gm), output };
}

test("end_to_end_tests_hold_over_several_databases", { timeout: 900000 }, async (t) => {
	const cluster = await ShardedCluster.create(t);
	const env = { ...(await cluster.env("front")) };
	const [gateway] = await startGateways(t, 1, { ...env, PGUSER: "parley_gateway" });
	const failed = [];
	let passed = 0;
	for (const file of ["applications", "cases", "chat", "contacts", "conversations", "guide", "ledger", "live", "load"]) {
		const result = await run(`${file}.test.mjs`, { ...env, PARLEY_URL: gateway.url, PARLEY_RUN_DIR: join(cluster.directory, "front") });
		passed += result.passed.length;
		failed.push(...result.failed);
		for (const name of result.failed) if (!cannot.has(name)) console.error(result.output.slice(result.output.indexOf(`- ${name}`)).slice(0, 1500));
	}
	t.diagnostic(`${passed} hold, ${failed.length} cannot`);
	assert.ok(passed > 100, `${passed} tests ran`);
	assert.deepEqual(failed.sort(), [...cannot.keys()].sort());
});
