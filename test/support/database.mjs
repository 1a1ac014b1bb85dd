// psql and its companions for the tests. Each call is a process of its own, for the cluster of PGHOST unless told otherwise.

import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
export const run = promisify(execFile);
export const bin = (await run(process.env.PG_CONFIG ?? "pg_config", ["--bindir"])).stdout.trim();

export async function program(name, args, env = {}) {
	const options = { env: { ...process.env, PGOPTIONS: "-c client_min_messages=warning", ...env }, maxBuffer: 1 << 28 };
	return (await run(join(bin, name), args, options)).stdout;
}

// Returns the rows of the last statement, unaligned and without a header. psql stops at the first error.
export async function psql(database, sql, env) {
	return (await program("psql", ["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql], env)).trimEnd();
}

export async function createDatabase(t, name, env) {
	await psql("postgres", `DROP DATABASE IF EXISTS ${name}`, env);
	await psql("postgres", `CREATE DATABASE ${name} TEMPLATE template0`, env);
	t.after(() => psql("postgres", `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`, env));
	return name;
}
