// PostgreSQL stops and starts again under the running gateway. Clients are told to come back and then served, and nobody has to
// restart anything.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { root, run } from "../support/database.mjs";
import { assertProblem, request, until } from "../support/http.mjs";

const cluster = (command) => run("bash", [join(root, "deploy/local/cluster.sh"), command, process.env.PARLEY_RUN_DIR]);

test("database_restart_is_survived", async (t) => {
	t.after(() => cluster("start").catch(() => {}));
	const { body: contact } = await request("POST /contacts", { name: "before the restart" });

	await cluster("stop");
	await until(async () => (await request("GET /ready")).status === 503, "not ready");
	assert.equal((await request("GET /health")).status, 200);
	for (const line of ["GET /conversations", `GET /contacts/${contact.id}`]) {
		const answer = await request(line);
		assertProblem(answer, 503);
		assert.ok(Number(answer.headers.get("retry-after")) >= 1);
	}
	const posted = await request("POST /contacts", { name: "meanwhile" });
	assertProblem(posted, 503);
	assert.ok(Number(posted.headers.get("retry-after")) >= 1);

	await cluster("start");
	await until(async () => (await request("GET /ready")).status === 200, "ready again");
	assert.deepEqual((await request(`GET /contacts/${contact.id}`)).body, contact);
	assert.equal((await request("GET /conversations")).status, 200);
	assert.equal((await request("POST /contacts", { name: "after the restart" })).status, 201);
});
