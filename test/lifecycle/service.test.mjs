// The systemd unit in deploy/ means what it says: systemd passes over what it does not understand.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../support/database.mjs";

function verify(t, text) {
	const directory = mkdtempSync("/tmp/parley-service-");
	t.after(() => rmSync(directory, { recursive: true }));
	const file = join(directory, "parleyd.service");
	writeFileSync(file, text);
	const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" });
	return { status, said: stdout + stderr };
}

test("systemd_understands_the_unit", (t) => {
	const unit = readFileSync(join(root, "deploy/parleyd.service"), "utf8");
	const here = unit.replace("/usr/local/bin/parleyd", join(root, "gateway/parleyd"));
	assert.notEqual(here, unit);
	assert.deepEqual(verify(t, here), { status: 0, said: "" });
	assert.match(verify(t, here.replace("ProtectHome=", "ProtectHoom=")).said, /Unknown key/);
});
