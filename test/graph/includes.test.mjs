// The architecture's arrows, according to the #include lines of extension/ and gateway/: they point down the layers of DESIGN.md
// and never form a circle, and every header belongs to its own .c file. Also names that can be found: no function is just a verb.

import assert from "node:assert/strict";
import { appendFileSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

// The lowest first. A part is a folder, or a file next to the folders. It may include what is in the lines above its own.
const LAYERS = {
	extension: ["compat", "errors owner shared_memory", "statement", "text", "index", "rows", "schema", "contacts", "conversations",
		"message_rows", "messages", "live front", "users search ledger", "applications", "sync", "channels", "api", "parley"],
	gateway: ["base", "config", "db", "routes", "access call", "http", "live", "main"],
};

const root = fileURLToPath(new URL("../..", import.meta.url));

// Returns a Map from each C file of the tree without its suffix, "http/reply", to the set of those that it includes.
function readIncludes(directory) {
	const includes = new Map();
	const files = readdirSync(directory, { recursive: true }).filter((file) => /^(?!build).*\.[ch]$/.test(file));
	for (const file of files) includes.set(file.slice(0, -2), new Set());
	for (const file of files)
		for (const [, name] of readFileSync(join(directory, file), "utf8").matchAll(/^\s*#\s*include\s+"(.+)\.h"/gm))
			if (includes.has(name) && name !== file.slice(0, -2)) includes.get(file.slice(0, -2)).add(name);
	return includes;
}

const partOf = (file) => file.split("/")[0];

function findArrowsUp(includes, layers) {
	const level = (file) => layers.findIndex((layer) => layer.split(" ").includes(partOf(file)));
	const wrong = [];
	for (const [file, included] of includes) {
		if (level(file) < 0) wrong.push(`${file} is in no layer: name its part in LAYERS`);
		for (const name of included)
			if (partOf(name) !== partOf(file) && level(name) >= level(file)) wrong.push(`${file} includes ${name}, which is not below it`);
	}
	return wrong;
}

// Returns what includes itself in the end, each circle once.
function findCircles(includes) {
	const done = new Set();
	const circles = [];
	const visit = (file, way) => {
		if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(" → "));
		if (done.has(file) || way.includes(file)) return;
		for (const name of includes.get(file)) visit(name, [...way, file]);
		done.add(file);
	};
	for (const file of includes.keys()) visit(file, []);
	return circles;
}

// Returns what a header declares and its own .c file does not define.
function findStrayDeclarations(directory, includes) {
	const read = (file) => {
		try {
			return readFileSync(join(directory, file), "utf8");
		} catch {
			return "";
		}
	};
	const stray = [];
	for (const file of includes.keys()) {
		const header = read(`${file}.h`).replace(/\/\*.*?\*\//gs, "").replace(/^\s*#.*(\\\n.*)*$/gm, "").replace(/\{[^{}]*\}/g, ";");
		for (const [, declaration] of header.matchAll(/^((?:extern )?\w[\w\s*]*\b\w+\([^;]*);/gm)) {
			const [, name] = declaration.match(/(\w+)\(/);
			if (!/^(static|typedef)\b/.test(declaration) && !new RegExp(`^${name}\\(`, "m").test(read(`${file}.c`))) stray.push(`${file}.h declares ${name}`);
		}
	}
	return stray;
}

// Returns static functions of one word, such as fail(): neither grep nor a debugger nor a profile can tell them apart.
function findBareNames(directory, includes) {
	const bare = [];
	for (const file of includes.keys()) {
		if (!existsSync(join(directory, `${file}.c`))) continue;
		for (const [, name] of readFileSync(join(directory, `${file}.c`), "utf8").matchAll(/^static [^;={}()]*?\b(\w+)\(/gm))
			if (!name.includes("_")) bare.push(`${file}.c has a function called ${name}`);
	}
	return bare;
}

for (const [tree, layers] of Object.entries(LAYERS)) {
	const includes = readIncludes(join(root, tree));
	test(`${tree}_has_no_arrow_up`, () => assert.deepEqual(findArrowsUp(includes, layers), []));
	test(`${tree}_has_no_circle`, () => assert.deepEqual(findCircles(includes), []));
	test(`${tree}_has_no_function_of_a_bare_name`, () => assert.deepEqual(findBareNames(join(root, tree), includes), []));
	test(`${tree}_headers_declare_what_their_own_file_defines`, () => assert.deepEqual(findStrayDeclarations(join(root, tree), includes), []));
}

// Returns a copy of the gateway with an additional line in one file.
function breakCopy(t, file, line) {
	const copy = mkdtempSync(join(tmpdir(), "parley-test-"));
	t.after(() => rmSync(copy, { recursive: true }));
	cpSync(join(root, "gateway"), copy, { recursive: true, filter: (path) => !path.includes("/build") });
	appendFileSync(join(copy, file), `${line}\n`);
	return { copy, includes: readIncludes(copy) };
}

test("arrow_up_is_found", (t) => {
	const { includes } = breakCopy(t, "base/buffer.c", '#include "http/reply.h"');
	assert.deepEqual(findArrowsUp(includes, LAYERS.gateway), ["base/buffer includes http/reply, which is not below it"]);
});

test("arrow_to_the_side_is_found", (t) => {
	const { includes } = breakCopy(t, "access/token.c", '#include "call/problem.h"');
	assert.deepEqual(findArrowsUp(includes, LAYERS.gateway), ["access/token includes call/problem, which is not below it"]);
});

test("circle_is_found", (t) => {
	const { includes } = breakCopy(t, "http/request.c", '#include "http/reply.h"');
	assert.deepEqual(findCircles(includes).length, 1);
});

test("file_in_no_layer_is_found", (t) => {
	const { includes } = breakCopy(t, "other.h", "");
	assert.deepEqual(findArrowsUp(includes, LAYERS.gateway), ["other is in no layer: name its part in LAYERS"]);
});

test("stray_declaration_is_found", (t) => {
	const { copy, includes } = breakCopy(t, "http/reply.h", "extern void worker_main_too(void *worker,\n\tint other);");
	assert.deepEqual(findStrayDeclarations(copy, includes), ["http/reply.h declares worker_main_too"]);
});

test("bare_name_is_found", (t) => {
	const { copy, includes } = breakCopy(t, "http/reply.c", "static bool\nfail(const char *why)\n{\n\treturn why == NULL;\n}");
	assert.deepEqual(findBareNames(copy, includes), ["http/reply.c has a function called fail"]);
});
