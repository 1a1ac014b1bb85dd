// The development interface: what make run, up, down and populate promise. Each test has its own directory and port.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { root, run } from "../support/database.mjs";
import { until } from "../support/http.mjs";
import { freePort } from "../support/port.mjs";

// An instance that is stopped and deleted when the test ends, whatever happened.
async function instance(t, path = "run") {
	const top = mkdtempSync("/tmp/parley-interface-");
	const directory = join(top, path);
	const port = await freePort(4); // make ha uses four
	const env = { ...process.env, RUN_DIR: directory, PORT: port, DEMO_CONTACTS: 20, DEMO_MESSAGES: 200 };
	for (const name of Object.keys(env)) if (/^(PG[A-Z]+|MAKE.*|MFLAGS|PARLEY_.*)$/.test(name) && name !== "PG_CONFIG") delete env[name];
	const self = {
		directory,
		port,
		url: `http://127.0.0.1:${port}`,
		// starts make in its own process group, as a terminal does
		start(target, more = {}) {
			const child = spawn("make", ["-C", root, target], { env: { ...env, ...more }, detached: true, stdio: ["pipe", "pipe", "pipe"] });
			child.output = "";
			for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (child.output += data));
			child.ended = new Promise((resolve) => child.once("close", resolve));
			child.says = (text, seconds) => until(() => {
				assert.equal(child.exitCode, null, child.output);
				return child.output.includes(text);
			}, text, seconds);
			return child;
		},
		async make(target, more) {
			const child = this.start(target, more);
			return { status: await child.ended, output: child.output };
		},
		async psql(sql) {
			const script = '. "$0"/env && exec psql -XAt -c "$1"';
			return (await run("sh", ["-euc", script, directory, sql])).stdout.trim();
		},
		processes() {
			return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid)).flatMap((pid) => {
				try {
					const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
					return command.includes(`-D ${directory}`) || command.includes(`127.0.0.1:${port}`) ? [command] : [];
				} catch {
					return [];
				}
			});
		},
		nothingIsLeft() {
			assert.deepEqual(this.processes(), []);
			assert.equal(existsSync(join(directory, "env")), false);
		},
	};
	t.after(async () => {
		await self.make("down");
		const { status, output } = await self.make("clean-run");
		assert.equal(status, 0, output);
		rmSync(top, { recursive: true });
	});
	return self;
}

test("run_answers_until_ctrl_c", async (t) => {
	const it = await instance(t);
	const make = it.start("run");
	await make.says("Ctrl-C stops everything", 300);
	for (const [, url] of make.output.matchAll(/curl '(.*)'/g)) {
		assert.ok(url.startsWith(it.url));
		assert.equal((await fetch(url)).status, 200);
	}
	assert.equal(await it.psql("SELECT current_user, current_database()"), "operator|parley");
	assert.ok(Number(await it.psql("SELECT count(*) FROM recent_conversations()")) > 0);
	process.kill(-make.pid, "SIGINT");
	await make.ended;
	it.nothingIsLeft();
});

test("ha_answers_from_two_nodes_until_ctrl_c_and_again", { timeout: 900000 }, async (t) => {
	const it = await instance(t);
	for (let round = 0; round < 2; round++) {
		const make = it.start("ha");
		await make.says("Ctrl-C stops everything", 600);
		assert.equal((await fetch(`${it.url}/ready`)).status, 200);
		assert.equal(await it.psql("SELECT current_user, pg_is_in_recovery()"), "operator|f");
		process.kill(-make.pid, "SIGINT");
		await make.ended;
		it.nothingIsLeft();
	}
});

test("shards_answer_until_ctrl_c_and_again_in_the_background", { timeout: 900000 }, async (t) => {
	const it = await instance(t);
	const make = it.start("shards");
	await make.says("Ctrl-C stops everything", 600);
	const [, data, url] = /curl -d '(.*)' -H .* (http.*)/.exec(make.output);
	assert.equal((await fetch(url, { method: "POST", body: data, headers: { "content-type": "application/json" } })).status, 201);
	assert.equal(await it.psql("SELECT current_user || (SELECT count(*) FROM parley_front.audit())"), "operator0");
	process.kill(-make.pid, "SIGINT");
	await make.ended;
	it.nothingIsLeft();
	for (const [given, said] of [["3", "SHARDS=3 is not a power of two"], ["two", "SHARDS=two is not a number"], ["4", "has 2 shards, not 4"]]) {
		const { status, output } = await it.make("up", { SHARDS: given });
		assert.notEqual(status, 0);
		assert.ok(output.includes(said), output);
	}
	const { status, output } = await it.make("up", { SHARDS: "2" });
	assert.equal(status, 0, output);
	assert.match(output, /from 2 shards/);
	assert.equal((await fetch(url, { method: "POST", body: data, headers: { "content-type": "application/json" } })).status, 409);
	assert.equal((await it.make("down")).status, 0);
	it.nothingIsLeft();
});

test("terminate_and_hang_up_stop_everything", async (t) => {
	const it = await instance(t);
	for (const signal of ["SIGTERM", "SIGHUP"]) {
		const make = it.start("run");
		await make.says("Ctrl-C stops everything", 300);
		process.kill(-make.pid, signal);
		await make.ended;
		it.nothingIsLeft();
	}
});

test("interrupted_first_run_is_repaired_by_the_next", async (t) => {
	const it = await instance(t);
	const make = it.start("run", { DEMO_MESSAGES: 1000000 });
	await make.says("loading demo data", 300);
	process.kill(-make.pid, "SIGINT");
	await make.ended;
	it.nothingIsLeft();
	assert.equal((await it.make("up")).status, 0);
	assert.equal(await it.psql("SELECT sum(last_number) BETWEEN 200 AND 300 FROM (SELECT (conversation(conversation_id)).last_message_id AS last_number FROM recent_conversations()) c"), "t",
		"the 200 and the story");
});

test("killed_owner_takes_the_gateway_along_and_the_next_run_works", async (t) => {
	const it = await instance(t);
	assert.equal((await it.make("up")).status, 0);
	process.kill(Number(readFileSync(join(it.directory, "lock"))), "SIGKILL");
	await until(() => !it.processes().some((command) => command.includes("--listen")), "parleyd ends");
	assert.equal((await it.make("up")).status, 0);
	assert.equal((await fetch(`${it.url}/ready`)).status, 200);
	assert.equal((await it.make("down")).status, 0);
	it.nothingIsLeft();
});

test("up_and_down_may_be_repeated", async (t) => {
	const it = await instance(t);
	for (const words of ["make down RUN_DIR=", "already up"]) {
		const { status, output } = await it.make("up");
		assert.equal(status, 0, output);
		assert.ok(output.includes(words), output);
		assert.equal((await fetch(`${it.url}/ready`)).status, 200);
	}
	for (const words of ["stopped", "nothing is running"]) {
		const { status, output } = await it.make("down");
		assert.equal(status, 0, output);
		assert.ok(output.includes(words), output);
		it.nothingIsLeft();
	}
});

test("two_instances_run_beside_each_other", async (t) => {
	const [one, two] = [await instance(t), await instance(t)];
	for (const it of [one, two]) assert.equal((await it.make("up")).status, 0);
	assert.equal((await one.make("down")).status, 0);
	assert.equal((await fetch(`${two.url}/conversations`)).status, 200);
});

test("populate_replaces_the_demo_data", async (t) => {
	const it = await instance(t);
	assert.equal((await it.make("up")).status, 0);
	const csv = join(it.directory, "texts.csv");
	writeFileSync(csv, "content\none of the texts\nanother of the texts\n");
	const { status, output } = await it.make("populate", { CONTACTS: 10, MESSAGES: 100, SEED: 7, CSV: csv });
	assert.equal(status, 0, output);
	assert.equal(await it.psql("SELECT bool_and(content LIKE '%of the texts') FROM recent_conversations()"), "t");
});

test("populate_with_nothing_running_says_so", async (t) => {
	const it = await instance(t);
	const { status, output } = await it.make("populate");
	assert.notEqual(status, 0);
	assert.match(output, /nothing is running in .*\n.*make up first/);
});

test("debug_serves_under_gdb_until_it_quits", async (t) => {
	const it = await instance(t);
	const make = it.start("debug");
	await until(async () => (await fetch(`${it.url}/ready`).catch(() => ({}))).status === 200, "ready under gdb", 600);
	assert.match(make.output, /gdb -p /);
	make.stdin.end("quit\n");
	await make.ended;
	it.nothingIsLeft();
});

test("number_that_is_not_a_port_is_named", async (t) => {
	const it = await instance(t);
	for (const port of ["183235", "65536", "0", "80x"]) {
		const { status, output } = await it.make("run", { PORT: port });
		assert.notEqual(status, 0, port);
		assert.match(output, new RegExp(`PORT=${port} is not a port number`));
	}
	it.nothingIsLeft();
});

test("taken_port_is_named", async (t) => {
	const it = await instance(t);
	const server = createServer().listen(it.port, "127.0.0.1");
	t.after(() => server.close());
	const { status, output } = await it.make("run");
	assert.notEqual(status, 0);
	assert.match(output, new RegExp(`port ${it.port} is taken\n.*PORT=`));
	it.nothingIsLeft();
});

test("directory_in_use_is_named", async (t) => {
	const it = await instance(t);
	assert.equal((await it.make("up")).status, 0);
	const { status, output } = await it.make("run");
	assert.notEqual(status, 0);
	assert.match(output, /is in use by process \d+\n.*make down/);
});

test("cluster_of_another_schema_is_named", async (t) => {
	const it = await instance(t);
	assert.equal((await it.make("up")).status, 0);
	assert.equal((await it.make("down")).status, 0);
	writeFileSync(join(it.directory, "schema"), "another\n");
	const { status, output } = await it.make("run");
	assert.notEqual(status, 0);
	assert.match(output, /another version of the extension\n.*make clean-run/);
	it.nothingIsLeft();
});

test("missing_postgresql_is_named", async (t) => {
	const it = await instance(t);
	const { status, output } = await it.make("run", { PG_CONFIG: "/nowhere/pg_config" });
	assert.notEqual(status, 0);
	assert.match(output, /PG_CONFIG=\/nowhere\/pg_config does not run/);
});

// The path of a unix socket has at most 107 bytes.
test("long_path_works", async (t) => {
	const it = await instance(t, "x".repeat(60) + "/" + "y".repeat(60));
	const { status, output } = await it.make("up");
	assert.equal(status, 0, output);
	assert.equal(await it.psql("SELECT 1"), "1");
});

// As in root's home: the user who runs PostgreSQL cannot access the directory.
test("directory_closed_to_others_works", async (t) => {
	const it = await instance(t, "closed/run");
	mkdirSync(dirname(it.directory), { mode: 0o700 });
	const { status, output } = await it.make("up");
	assert.equal(status, 0, output);
	assert.equal((await fetch(`${it.url}/ready`)).status, 200);
});
