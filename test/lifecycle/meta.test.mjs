// META.json keeps the rules of the PGXN Meta Spec 1.0.0, and says the same as the control file.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../support/database.mjs";

const meta = JSON.parse(readFileSync(join(root, "META.json"), "utf8"));

const isText = (value) => typeof value === "string" && value !== "";
const isTerm = (value) => /^[^\s\p{Cc}/\\]{2,}$/u.test(value);
const isTag = (value) => /^[^\p{Cc}/\\]{1,256}$/u.test(value);
const isVersion = (value) => /^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}(-[0-9A-Za-z-]+)?$/.test(value);
const isRange = (value) => value.split(/,\s*/).every((one) => isVersion(one.replace(/^([<>]=?|[!=]=)\s*/, "")) || one === "0");
const isUrl = (value) => /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+/i.test(value);
const isFile = (value) => existsSync(join(root, value));
const isOneOf = (...values) => (value) => values.includes(value);
const eachName = (isName, check) => (map) => Object.entries(map).every(([name, value]) => isName(name) && check(value));
const all = (check) => (list) => [list].flat().every(check);

// Returns the fields of a map that are missing, unknown or wrong. A field whose name ends in ? is optional; x_ names are free.
function findWrong(map, fields) {
	const known = Object.fromEntries(Object.entries(fields).map(([name, check]) => [name.replace("?", ""), check]));
	const missing = Object.keys(fields).filter((name) => !name.endsWith("?") && map[name] === undefined);
	return [...missing, ...Object.keys(map).filter((name) => !/^x_/i.test(name) && !known[name]?.(map[name]))];
}

test("meta_json_keeps_the_rules_of_pgxn", () => {
	const provided = { file: isFile, version: isVersion, "abstract?": isText, "docfile?": isFile };
	const prerequisites = eachName(isOneOf("configure", "build", "test", "runtime", "develop"),
		eachName(isOneOf("requires", "recommends", "suggests", "conflicts"), eachName(isTerm, isRange)));
	assert.deepEqual(findWrong(meta, {
		name: isTerm,
		version: isVersion,
		abstract: isText,
		maintainer: all(isText),
		license: isOneOf("postgresql"),
		provides: eachName(isTerm, (one) => findWrong(one, provided).length === 0),
		"meta-spec": (spec) => findWrong(spec, { version: isOneOf("1.0.0"), "url?": isUrl }).length === 0,
		"description?": isText,
		"generated_by?": isText,
		"prereqs?": prerequisites,
		"tags?": all(isTag),
	}), []);
});

test("meta_json_says_the_same_as_the_control_file", () => {
	const control = readFileSync(join(root, "parley.control"), "utf8");
	const [, version] = control.match(/^default_version = '(.*)'$/m);
	assert.deepEqual([meta.version, meta.provides.parley.version], [`${version}.0`, `${version}.0`]);
	assert.ok(Object.hasOwn(meta.prereqs.runtime.requires, control.match(/^requires = '(.*)'$/m)[1]));
});
