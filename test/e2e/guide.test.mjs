// Runs docs/guide.md as it is, except for the address: its SQL, its requests, and their responses. Also checks docs/tour.md.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { psql, root, run } from "../support/database.mjs";
import { until } from "../support/http.mjs";

const blocks = [...readFileSync(join(root, "docs/guide.md"), "utf8").matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language, text]) => ({ language, text }));

after(() => psql("parley", `DELETE FROM parley.routes WHERE function LIKE 'shop.%'; DROP SCHEMA IF EXISTS shop CASCADE;
	ALTER TABLE parley.accounts DROP CONSTRAINT IF EXISTS accounts_are_small`));

test("the_guide_does_what_it_says", async () => {
	let compared = 0;
	for (const [at, { language, text }] of blocks.entries()) {
		const shown = blocks[at + 1];
		if (language === "sql" && shown?.language === "text") {
			const { stdout } = await run("bash", ["-c", 'psql -XAtq -d parley 2>&1 <<<"$0" | sed -n "s/^psql:<stdin>:[0-9]*: //;/DETAIL/d;p"', text]);
			assert.equal(stdout.trim(), shown.text.trim());
			compared++;
		} else if (language === "sql") await psql("parley", text);
		else if (language === "sh") {
			const command = text.replaceAll("http://127.0.0.1:8080", process.env.PARLEY_URL).replace("curl", "curl -sS");
			await until(async () => (await run("bash", ["-c", command])).stdout === shown.text.trim(), `${text}: ${shown.text}`);
			compared++;
		}
	}
	assert.equal(compared, 4);
});

test("the_tour_shows_what_its_regression_test_prints", () => {
	const words = (text) => text.replace(/^-- .*$/gm, "").replace(/\s+/g, " ").trim();
	const shown = [...readFileSync(join(root, "docs/tour.md"), "utf8").matchAll(/^```\n([^]*?)^```$/gm)].map(([, text]) => text).join("\n");
	assert.equal(words(shown), words(readFileSync(join(root, "expected/tour.out"), "utf8")));
});
