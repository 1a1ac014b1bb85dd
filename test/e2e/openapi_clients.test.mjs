// What others generate from /openapi.json: typed clients with openapi-typescript, and Postman collections, which newman runs.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { root, run } from "../support/database.mjs";

const tools = join(root, "test");
if (!existsSync(join(tools, "node_modules"))) execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: tools, stdio: "ignore" });
// These tools print the errors they find to stdout.
const tool = (name, ...args) => run(join(tools, "node_modules/.bin", name), args, { cwd: directory }).catch((error) => {
	error.message += error.stdout;
	throw error;
});
const url = process.env.PARLEY_URL;

let directory;
before(async () => {
	directory = mkdtempSync(join(tmpdir(), "parley-clients-"));
	symlinkSync(join(tools, "node_modules"), join(directory, "node_modules"));
	writeFileSync(join(directory, "package.json"), '{"type": "module"}');
	writeFileSync(join(directory, "openapi.json"), await (await fetch(`${url}/openapi.json`)).text());
});
after(() => rmSync(directory, { recursive: true, force: true }));

// No casts and no non-null assertions: what the schemas promise must be enough.
const program = `
import createClient from "openapi-fetch";
import type { components, paths } from "./parley.js";

type Message = components["schemas"]["message"];
const client = createClient<paths, "application/json" | "application/problem+json">({ baseUrl: ${JSON.stringify(url)} });
const [own, other]: string[] = process.argv.slice(2);

async function register(phone: string, name: string): Promise<number> {
	const { data, error } = await client.POST("/users", { body: { phone, name } });
	if (error) throw new Error(error.detail ?? error.title);
	return data.id;
}

function describe(message: Message): string {
	const at: Date = new Date(message.created_at);
	const content: string = message.content ?? "(deleted)";
	return \`\${message.message_id} \${at.getUTCFullYear() > 2000} \${content}\`;
}

const ann = await register(own, "Ann");
const bob = await register(other, "Bob");
const opened = await client.POST("/users/{user_id}/conversations", { params: { path: { user_id: ann } }, body: { phone: other } });
if (opened.error) throw new Error(opened.error.code);
const conversation_id: number = opened.data.id;
const posted = await client.POST("/users/{user_id}/conversations/{conversation_id}/messages", {
	params: { path: { user_id: ann, conversation_id }, header: { "Idempotency-Key": "first" } },
	body: { content: "typed" },
});
if (posted.error) throw new Error(posted.error.detail);
const { data: news } = await client.GET("/users/{user_id}/sync", { params: { path: { user_id: bob }, query: { limit: 10 } } });
const lines: string[] = (news?.messages ?? []).map(describe);
const horizons: number[] = (news?.reads ?? []).map((read) => read.read_message_id);
const { data: whole } = await client.GET("/conversations/{conversation_id}", { params: { path: { conversation_id } } });
const names: string[] = (whole?.participants ?? []).map(({ name }) => name ?? "nobody");
const { data: list } = await client.GET("/conversations", { params: { query: { searchValue: "typed", status: "open", limit: 1 } } });
const shown: [string, number, string] | undefined = list?.map((row): [string, number, string] => [row.kind, row.unread, row.status])[0];
const { error } = await client.GET("/users/{user_id}", { params: { path: { user_id: 0 } } });
console.log(JSON.stringify({ lines, names, shown, code: error?.code, status: error?.status, horizons: horizons.length }));
`;

test("a_client_made_by_openapi_typescript_compiles_without_a_cast_and_works", async () => {
	await tool("openapi-typescript", "openapi.json", "-o", "parley.d.ts");
	writeFileSync(join(directory, "program.ts"), program);
	writeFileSync(join(directory, "node.d.ts"), "declare const process: { argv: string[] };");
	const strict = ["--strict", "--noUncheckedIndexedAccess", "false", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom", "--skipLibCheck"];
	await tool("tsc", ...strict, "program.ts", "node.d.ts");
	const phone = () => `+49 31 ${randomInt(1e6, 1e7)}`;
	const { stdout } = await run("node", ["program.js", phone(), phone()], { cwd: directory });
	const said = JSON.parse(stdout);
	assert.deepEqual(said.lines, ["1 true typed"]);
	assert.deepEqual(said.names, ["Ann", "Bob"]);
	assert.deepEqual([said.code, said.status, said.shown[0], said.shown[2]], ["P0002", 404, "direct", "open"]);
	// Using a nullable field as if it could not be null does not compile.
	writeFileSync(join(directory, "wrong.ts"), program.replace('message.content ?? "(deleted)"', "message.content"));
	await assert.rejects(tool("tsc", ...strict, "wrong.ts", "node.d.ts"), ({ stdout }) => /TS2322/.test(stdout));
});

test("a_postman_collection_is_made_of_it_and_newman_runs_it", async () => {
	await tool("openapi2postmanv2", "-s", "openapi.json", "-o", "collection.json", "-O", "folderStrategy=Tags,parametersResolution=Example");
	const options = ["run", "collection.json", "--env-var", `baseUrl=${url}`, "--reporters", "json", "--reporter-json-export", "report.json", "--timeout-request", "60000"];
	await tool("newman", ...options, "--folder", "agents", "--folder", "ledger", "--folder", "contacts", "--bail", "failure").catch((error) => error);
	const { run: report } = JSON.parse(await (await import("node:fs/promises")).readFile(join(directory, "report.json"), "utf8"));
	const statuses = report.executions.map(({ item, response }) => [item.name, response?.code]);
	assert.ok(statuses.length >= 8, JSON.stringify(statuses));
	// Ids and values are made up, so any status is fine that does not mean a malformed request or a failure of the server.
	for (const [name, status] of statuses) assert.ok(status && status < 500 && ![400, 405, 415].includes(status), `${name}: ${status}`);
});
