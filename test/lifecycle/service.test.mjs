// The systemd unit in deploy/ has the intended effect: systemd ignores what it does not understand.

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

test("the_unit_gives_the_gateway_little", () => {
	const { stdout } = spawnSync("systemd-analyze", ["security", "--offline=true", "--no-pager", join(root, "deploy/parleyd.service")], { encoding: "utf8" });
	const [, exposure] = stdout.match(/Overall exposure level for parleyd\.service: ([0-9.]+)/);
	assert.ok(Number(exposure) <= 2.0, `systemd-analyze security says ${exposure}`);
});

test("the_unit_does_not_start_without_its_settings", () => {
	assert.match(readFileSync(join(root, "deploy/parleyd.service"), "utf8"), /^EnvironmentFile=\/etc\/parley\/parleyd\.env$/m);
});
