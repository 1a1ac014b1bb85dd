// The benchmarks that write run from start to end on little data, print a figure for each measurement, and leave the data as it
// was.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createDatabase, psql, root, run } from "../support/database.mjs";
import { freePort } from "../support/port.mjs";

async function bench(database) {
	const env = { ...process.env, BENCH: "chat,applications", BENCH_SECONDS: "1", BENCH_ROUNDS: "1", BENCH_PORT: String(await freePort(5)),
		BENCH_PGHOST: process.env.PGHOST, BENCH_PGPORT: process.env.PGPORT, BENCH_PGDATABASE: database };
	return (await run("bash", [`${root}/bench/run.sh`], { env })).stdout;
}

test("sections_that_write_print_what_they_measure_and_leave_the_data_alone", { timeout: 600000 }, async (t) => {
	const database = await createDatabase(t, "bench_chat");
	await psql(database, "CREATE EXTENSION parley CASCADE");
	await run(`${root}/bench/populate`, ["--contacts", "600", "--messages", "3000"], { env: { ...process.env, PGDATABASE: database } });
	const digest = () => psql(database, "SELECT count(*), sum(last_number), max(last_message_at) FROM parley.conversations");
	const before = await digest();

	const output = await bench(database);
	const figure = " +[0-9.e+]+";
	for (const what of ["send, 32 connections", "list", "search “netflix”", "sync, 20 of 500 conversations changed", "messages in one chat", "chats in one application"])
		assert.match(output, new RegExp(`^${what}(${figure}){3}  .*(${figure}){3}`, "m"));
	assert.doesNotMatch(output, /nan/);
	assert.match(output, /^0 bars met, 0 not met$/m);
	assert.equal(await digest(), before);
	assert.equal(await psql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'bench_chat_%'"), "");
});
