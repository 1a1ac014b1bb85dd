// Indexes that are half built.

import assert from "node:assert/strict";
import { until } from "./http.mjs";

// Runs a CREATE INDEX CONCURRENTLY that has to wait for somebody else's transaction, and cancels it once the index is there. psql(sql)
// returns the rows.
export async function cutShort(psql, name, definition) {
	const build = psql(definition);
	const rejected = assert.rejects(build, /canceling statement due to user request/, name);
	const waits = `SELECT pid FROM pg_stat_activity WHERE query LIKE '%INDEX CONCURRENTLY ${name} %' AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()
		AND EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('parley.${name}'))`;
	let pid;
	await until(async () => (pid = await psql(waits)) !== "", `building ${name} waits`);
	await psql(`SELECT pg_cancel_backend(${pid})`);
	await rejected;
}
