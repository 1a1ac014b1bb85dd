// Sessions that loaded the previous version's library do not crash, and do no damage, during and after the update of their
// database. They run with a copy of PostgreSQL's directories, so that the old library can be replaced with the new one under
// them. 1.0 supported only PostgreSQL 15.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { Cluster } from "../support/clusters.mjs";
import { root } from "../support/database.mjs";
import { Session } from "../support/psql_session.mjs";

const pgConfig = process.env.PG_CONFIG ?? "pg_config";
const directoryOf = (program, name) => execFileSync(program, [`--${name}`], { encoding: "utf8" }).trim();
const shell = (script, ...args) => execFileSync("bash", ["-euc", script, "bash", ...args], { stdio: ["ignore", "ignore", "pipe"] });

// The sources of 1.0, built.
function buildBefore(directory) {
	shell(`git -C "$1" archive 5429dbc Makefile parley.control extension | tar x -C "$2"
		env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -j"$(nproc)" -C "$2" PG_CONFIG="$3" all`, root, directory, pgConfig);
}

// A separate PostgreSQL: its programs find their directories relative to themselves.
function copyPostgres(directory) {
	const bindir = directoryOf(pgConfig, "bindir");
	for (const name of ["bindir", "pkglibdir", "sharedir"])
		shell('mkdir -p "$1$(dirname "$2")"; cp -a --no-clobber "$2" "$1$2"', directory, directoryOf(pgConfig, name));
	return join(directory, bindir, "pg_config");
}

// As `make install` does it: a library that is loaded somewhere keeps its file.
function install(source, program) {
	const share = join(directoryOf(program, "sharedir"), "extension");
	const library = join(directoryOf(program, "pkglibdir"), "parley.so");
	const scripts = ["extension", "extension/upgrade"].flatMap((folder) => {
		const names = folder === "extension" || source === root ? readdirSync(join(source, folder)) : [];
		return names.filter((name) => /^parley--.*\\.sql$/.test(name)).map((name) => join(folder, name));
	});
	for (const file of ["parley.control", ...scripts]) copyFileSync(join(source, file), join(share, basename(file)));
	rmSync(library, { force: true });
	copyFileSync(join(source, "parley.so"), library);
}

const fill = `
	SELECT parley.create_user('+49 30 55500' || n) FROM generate_series(1, 2) n;
	SELECT parley.open_direct_conversation(1, 2);
	SELECT parley.open_account(id, 'EUR') FROM parley.contacts;
	SELECT parley.create_chat(token) FROM parley.create_application('an application');`;

// What writes and reads with C functions; each is a separate statement.
const uses = [
	"SELECT parley.post_transaction(1, 1, 10)",
	"SELECT parley.post_transaction(1, 1, 10, idempotency_key => 'a key')",
	"SELECT parley.post_transaction(1, 1, -1)",
	"SELECT parley.post_transfer(1, 1, 2, 1, 1)",
	"SELECT parley.post_message(1, 'words')",
	"SELECT parley.post_user_message(1, 'words of mine', 1)",
	"SELECT parley.post_chat_message(token, 1, 'words in a chat') FROM parley.applications",
	"SELECT count(*) FROM parley.list_conversations('words')",
	"SELECT count(*) FROM parley.list_user_conversations(1, 'mine')",
	"SELECT parley.search_chat(token, 1, 'chat') FROM parley.applications",
	"SELECT parley.find_largest_expense(1, now() - interval '1 day', now())",
	"SELECT parley.sync(1)",
];

async function everyUse(session) {
	const answers = [];
	for (const use of uses) answers.push(await session.rows(use));
	return answers;
}

if (directoryOf(pgConfig, "version").startsWith("PostgreSQL 15"))
	test("old_library_survives_an_update", async (t) => {
		const directory = mkdtempSync("/tmp/parley-update-");
		chmodSync(directory, 0o755);
		const before = join(directory, "1.0");
		shell('mkdir "$1"', before);
		buildBefore(before);
		process.env.PG_CONFIG = copyPostgres(directory);
		install(before, process.env.PG_CONFIG);
		// 1.0 was not preloaded. If a library is, a restart loads the new one.
		const cluster = await Cluster.create(t, ["shared_preload_libraries = ''"]);
		t.after(() => rmSync(directory, { recursive: true }));
		await cluster.psql(fill);

		const idle = new Session(cluster.env);
		const busy = new Session(cluster.env);
		const renewed = new Session(cluster.env);
		try {
			for (const answer of await everyUse(idle)) assert.equal(answer.error, undefined);
			assert.equal(await cluster.psql("SELECT extversion FROM pg_extension WHERE extname = 'parley'"), "1.0");

			install(root, process.env.PG_CONFIG);
			let updated = false;
			const work = (async () => {
				let rounds = 0;
				for (; !updated || rounds === 0; rounds++) await everyUse(busy);
				return rounds;
			})();
			await cluster.psql("ALTER EXTENSION parley UPDATE");
			updated = true;
			await work;

			// Each succeeds or fails with an error. A C function whose arguments have changed is not found in the old library.
			const [payment, ...others] = await everyUse(idle);
			assert.equal(payment.error, "42883");
			for (const answer of others) assert.ok(answer.error !== "XX000", JSON.stringify(answer));
			// PostgreSQL's own errors, if the update commits between the lookup of a function that it replaces and its call.
			const log = readFileSync(join(cluster.data, "../postgres.log"), "utf8");
			assert.doesNotMatch(log, /terminated by signal|PANIC| XX[0-9A-Z]{3} (?!.*(cache lookup failed for function|STATEMENT: ))/);
			const audits = "SELECT a::text FROM parley.audit_ledger() a UNION ALL SELECT a::text FROM parley.audit_conversations() a";
			assert.equal(await cluster.psql(audits), "");
			for (const answer of await everyUse(renewed)) assert.equal(answer.error, undefined);
		} finally {
			await Promise.all([idle, busy, renewed].map((session) => session.close()));
		}
	});
