// Runs the README's commands as they are, except for the address, and compares the fields of the responses.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root, run } from "../support/database.mjs";
import { request } from "../support/http.mjs";

// [{ language, text }], in order
const blocks = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/^```(\w+)\n([^]*?)^```$/gm)]
	.map(([, language, text]) => ({ language, text }));
const commands = blocks.filter((block) => block.language === "sh").flatMap((block) => block.text.trim().split("\n"));

const shell = (command, env) => run("bash", ["-euo", "pipefail", "-c", command], { cwd: root, env: { ...process.env, ...env } });
const fields = (json) => {
	const value = JSON.parse(json);
	return Object.keys(Array.isArray(value) ? value[0] : value);
};

async function someConversationAbout(word) {
	const { body: contact } = await request("POST /contacts", { name: "Reader" });
	const { body: conversation } = await request(`POST /contacts/${contact.id}/conversation`);
	await request(`POST /conversations/${conversation.id}/messages`, { content: `a ${word}` });
}

test("commands_of_make_exist", async () => {
	const text = readFileSync(join(root, "README.md"), "utf8");
	const targets = new Set([...text.matchAll(/`?make ([a-z-]+)/g)].map(([, target]) => target));
	assert.ok(targets.size >= 7, [...targets].join());
	for (const target of targets) await run("make", ["-n", target], { cwd: root });
});

test("curl_answers_as_shown", async () => {
	await someConversationAbout("movie");
	let compared = 0;
	for (const [at, block] of blocks.entries()) {
		const shown = blocks[at + 1];
		if (!block.text.startsWith("curl") || shown?.language !== "json") continue;
		const { stdout } = await shell(block.text.replaceAll("http://127.0.0.1:8080", process.env.PARLEY_URL).replace("curl", "curl -sS"));
		assert.deepEqual(fields(stdout), fields(shown.text), stdout);
		compared++;
	}
	assert.equal(compared, commands.filter((command) => command.startsWith("curl")).length);
});

test("psql_answers_from_the_environment_of_run", async () => {
	await someConversationAbout("movie");
	const lines = commands.filter((command) => command.startsWith(". .run/env && psql"));
	assert.equal(lines.length, 1);
	const { stdout } = await shell(lines[0].replace(". .run/env && ", ""), { PGOPTIONS: "-c search_path=parley,public" });
	assert.match(stdout, /\(1 row\)/);
});

test("every_command_is_one_of_these", () => {
	for (const command of commands) assert.match(command, /^(make |curl |\. \.run\/env && psql)/);
});
