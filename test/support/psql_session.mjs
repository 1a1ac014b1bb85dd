// A psql that stays connected, so that a test can have several sessions at once. If its server goes away, the pending queries are
// rejected with ConnectionLost, and the next query connects again.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { run } from "./database.mjs";

const bin = (await run(process.env.PG_CONFIG ?? "pg_config", ["--bindir"])).stdout.trim();

export class ConnectionLost extends Error {}

export class Session {
	#env;
	#psql = null;
	#lines = [];
	#answered = null;

	constructor(env) {
		this.#env = { ...process.env, PGOPTIONS: "-c client_min_messages=error", ...env };
	}

	// Returns the rows of a query as objects, or { error: SQLSTATE }.
	async rows(query) {
		const { lines, sqlstate } = await this.#ask(`SELECT row_to_json(answer) FROM (${query}) answer`);
		return sqlstate === "00000" ? lines.map((line) => JSON.parse(line)) : { error: sqlstate };
	}

	// Returns the SQLSTATE of a statement without rows.
	async statement(statement) {
		return (await this.#ask(statement)).sqlstate;
	}

	#ask(statement) {
		if (this.#psql === null) this.#connect();
		const answer = new Promise((resolve, reject) => (this.#answered = { resolve, reject }));
		this.#psql.stdin.write(`${statement};\n\\echo answered :SQLSTATE\n`);
		return answer;
	}

	async close() {
		const psql = this.#psql;
		if (psql === null) return;
		psql.stdin.end();
		await new Promise((resolve) => psql.once("close", resolve));
	}

	#connect() {
		const psql = spawn(join(bin, "psql"), ["-XAtq"], { env: this.#env, stdio: ["pipe", "pipe", "ignore"] });
		this.#psql = psql;
		this.#lines = [];
		psql.stdin.on("error", () => {});
		createInterface({ input: psql.stdout }).on("line", (line) => {
			if (!line.startsWith("answered ")) return this.#lines.push(line);
			this.#answered?.resolve({ lines: this.#lines, sqlstate: line.slice(9) });
			this.#lines = [];
		});
		psql.once("close", () => {
			if (this.#psql === psql) this.#psql = null;
			this.#answered?.reject(new ConnectionLost());
		});
	}
}
