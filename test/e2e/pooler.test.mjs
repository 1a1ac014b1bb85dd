// The gateway behind Debian's PgBouncer: what each pooling mode keeps, and that no client runs what another one has prepared.

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { Client } from "../support/client.mjs";
import { psql } from "../support/database.mjs";
import { asOwner, makeDirectory, startGateways } from "../support/gateways.mjs";
import { freePort } from "../support/port.mjs";
import { until } from "../support/http.mjs";

// Starts PgBouncer in front of the tests' cluster, and returns the variables for connecting to it. In transaction mode it has few
// server connections, so that transactions share them: each of three gateways always occupies one, and three are left.
async function startPooler(t, mode) {
	const directory = makeDirectory(t);
	const port = await freePort();
	writeFileSync(join(directory, "users.txt"), '"parley_gateway" ""\n');
	writeFileSync(join(directory, "pgbouncer.ini"), `
		[databases]
		parley = host=${process.env.PGHOST} port=${process.env.PGPORT} dbname=parley
		[pgbouncer]
		listen_addr = 127.0.0.1
		listen_port = ${port}
		unix_socket_dir =
		auth_type = trust
		auth_file = ${directory}/users.txt
		pool_mode = ${mode}
		max_client_conn = 300
		default_pool_size = ${mode === "transaction" ? 6 : 100}`.replace(/^\t+/gm, ""));
	const args = ["--pdeathsig", "TERM", ...asOwner, "--", "/usr/sbin/pgbouncer", join(directory, "pgbouncer.ini")];
	const child = spawn("setpriv", args, { stdio: ["ignore", "ignore", "pipe"] });
	// By SIGTERM, PgBouncer 1.23 and later wait until all clients have left.
	t.after(async () => {
		child.kill("SIGKILL");
		await once(child, "exit");
	});
	let said = "";
	child.stderr.on("data", (chunk) => (said += chunk));
	await until(() => /process up/.test(said), "PgBouncer is up");
	return { PGHOST: "127.0.0.1", PGPORT: String(port), PGDATABASE: "parley" };
}

for (const mode of ["transaction", "session"]) {
	test(`every_request_gets_its_own_answer_in_${mode}_mode`, async (t) => {
		const database = await startPooler(t, mode);
		const settings = mode === "transaction" ? { PARLEY_TRANSACTION_POOLING: "true" } : {};
		const [first, second] = await startGateways(t, 2, { ...database, ...settings, PARLEY_STATEMENT_TIMEOUT_MS: "9001" });
		const id = await psql("parley", "SELECT id FROM parley.create_contact('Behind a pooler')");
		await psql("parley", `
			CREATE OR REPLACE FUNCTION public.pooled(word text) RETURNS TABLE (word_ text, at timestamptz, timeout text, read_only text, style text)
				LANGUAGE sql STABLE AS $$ SELECT word, '2024-02-29 12:00+02'::timestamptz, current_setting('statement_timeout'),
					current_setting('transaction_read_only'), current_setting('DateStyle') $$;
			SELECT parley.add_route('GET', '/a_pooled/{word}', 'public.pooled', 'none');
			ALTER ROLE parley_gateway SET DateStyle = 'German'`);
		t.after(() => psql("parley", `DELETE FROM parley.routes WHERE path = '/a_pooled/{word}'; DROP FUNCTION public.pooled;
			ALTER ROLE parley_gateway RESET ALL`));
		// One that knows the new route, next to one that may not: they have different statements with the same numbers.
		const [third] = await startGateways(t, 1, { ...database, ...settings, PARLEY_STATEMENT_TIMEOUT_MS: "9001" });
		const clients = [first, second, third].map((gateway) => new Client(gateway.url));
		t.after(() => clients.forEach((client) => client.close()));

		await Promise.all(Array.from({ length: 300 }, async (_, n) => {
			const client = clients[n % 3];
			if (n % 2 === 0) assert.equal((await client.request(`GET /contacts/${id}`)).body.name, "Behind a pooler");
			else assert.equal((await clients[2].request(`GET /a_pooled/w${n}`)).body[0].word_, `w${n}`);
		}));
		const { body: [row] } = await clients[2].request("GET /a_pooled/x");
		assert.deepEqual(row, { word_: "x", at: "2024-02-29T10:00:00Z", timeout: "9001ms", read_only: "on", style: "ISO, YMD" });
		assert.equal((await clients[0].request("POST /users", { phone: `+49 30 ${1000000 + Number(id)}` })).status, 201);
		assert.equal((await clients[1].request("GET /contacts/0")).status, 404);
		assert.equal((await clients[1].request("POST /users", { phone: `+49 30 ${1000000 + Number(id)}` })).status, 409);
		const left = await psql("parley", "SELECT count(*) FROM parley.conversations c WHERE c.contact_id = " + id);
		assert.equal(left, "0", "a GET ran another client's statement");
	});
}
