// docs/faults.md names a test for each fault that was found. The tests must exist under the names that it gives.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

// Returns the rows of the tables: { number, path, name }. A fault's further tests have no number of their own.
function readTests(page) {
	let number;
	return [...page.matchAll(/^\| (\S*) +\| .* \| \[(.+)\]\(\.\.\/\2\): `(.+)` \|$/gm)].map(([, own, path, name]) => {
		number = own || number;
		return { number, path, name };
	});
}

// In SQL a test is a comment; in C, a function of check; elsewhere, a name in quotes or a part of one.
function hasTest({ path, name }) {
	const source = read(path);
	if (path.endsWith(".sql")) return source.split("\n").some((line) => line.startsWith("-- ") && line.includes(name));
	if (path.endsWith(".c")) return source.includes(`START_TEST(${name})`);
	return source.includes(name);
}

const page = read("docs/faults.md");
const tests = readTests(page);

test("every_fault_has_a_test", () => {
	const rows = page.split("\n").filter((line) => line.startsWith("|") && !/^\|( #|-)/.test(line));
	assert.equal(tests.length, rows.length, "a row names no test as the others do");
	const numbers = new Set(tests.map(({ number }) => number));
	for (let number = 1; number <= 49; number++) assert.ok(numbers.has(String(number)), `fault ${number} has none`);
	assert.ok(numbers.has("2b"));
});

test("every_test_that_the_page_names_exists", () => {
	assert.deepEqual(tests.filter((named) => !hasTest(named)), []);
});

test("missing_test_is_found", () => {
	const [named] = readTests("| 1 | a fault | [sql/sync.sql](../sql/sync.sql): `nothing_yet` |");
	assert.ok(hasTest(named));
	assert.ok(!hasTest({ ...named, name: "no_such_test" }));
});
