// The benchmarks run from start to end, on too little data for the bars to count, and print a figure for each measurement.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { createDatabase, psql, root, run } from "../support/database.mjs";
import { freePort } from "../support/port.mjs";

async function bench(env) {
	const child = spawn("bash", [join(root, "bench/run.sh")], { env: { ...process.env, ...env } });
	let output = "", errors = "";
	child.stdout.on("data", (data) => (output += data));
	child.stderr.on("data", (data) => (errors += data));
	const status = await new Promise((resolve) => child.on("close", resolve));
	return { status, output, errors };
}

test("sections_print_what_they_measure", async (t) => {
	const database = await createDatabase(t, "bench_small");
	await psql(database, "CREATE EXTENSION parley CASCADE");
	await run(join(root, "bench/populate"), ["--contacts", "300", "--messages", "3000"], { env: { ...process.env, PGDATABASE: database } });

	const { status, output, errors } = await bench({ BENCH: "list,search,ledger", BENCH_SECONDS: "1", BENCH_ROUNDS: "1",
		BENCH_PORT: String(await freePort(5)), BENCH_PGHOST: process.env.PGHOST, BENCH_PGPORT: process.env.PGPORT ?? "5432",
		BENCH_PGDATABASE: database });
	assert.equal(status, 0, output + errors);
	assert.match(output, /3000 messages/);
	assert.match(output, /^page 1, 32 connections( +[0-9.e+]+){3}  plain SQL, 32 clients +([0-9.e+]+ +){3}.*set for 5,000,000/m);
	assert.match(output, /^page 6 by cursor, 1 client/m);
	assert.match(output, /^“movie”( +[0-9.e+]+){3}  ILIKE/m);
	assert.match(output, /^“Jhon Smtih”( +[0-9.e+]+){3}  ORDER BY similarity/m);
	assert.match(output, /^10,000 accounts( +[0-9.e+]+){3}  plain SQL/m);
	assert.match(output, /^one account, 100 a call( +[0-9.e+]+){3}  plain SQL, one by one/m);
	assert.match(output, /^bytes a transaction, indexes included +[0-9]+/m);
	assert.doesNotMatch(output, /nan/);
	assert.match(output, /^0 bars met, 0 not met$/m);
});

test("an_unknown_section_is_an_error", async () => {
	const { status, errors } = await bench({ BENCH: "list,nonsense" });
	assert.equal(status, 1);
	assert.match(errors, /no section is called nonsense/);
});
