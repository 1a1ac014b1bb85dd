// deploy/local/cluster.sh is called by anyone, often root, for a directory that belongs to the cluster's user.

import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bin, root, run } from "../support/database.mjs";

const common = join(root, "deploy/local/common.sh");
const asOwner = (...words) => run("bash", ["-c", '. "$0"; as_owner "$@"', common, ...words]);

test("removing_a_cluster_follows_no_link_that_its_user_made", async (t) => {
	const directory = mkdtempSync("/tmp/parley-test-");
	const victim = mkdtempSync("/tmp/parley-victim-");
	t.after(() => [directory, victim].forEach((path) => rmSync(path, { recursive: true, force: true })));
	chmodSync(directory, 0o755);
	mkdirSync(join(victim, "inside"));
	writeFileSync(join(victim, "inside/file"), "kept");
	const cluster = (command) => run("bash", [join(root, "deploy/local/cluster.sh"), command, directory]);
	await cluster("create");
	const own = join(directory, "cluster");
	for (const name of ["socket", "postgres.log", "data/base/link", "another"]) await asOwner("ln", "-s", victim, join(own, name));
	await cluster("remove");
	assert.ok(existsSync(join(victim, "inside/file")), "the target of a link is gone");
	assert.ok(!existsSync(own));
});

test("starting_a_cluster_writes_through_no_link_that_its_user_made", async (t) => {
	const directory = mkdtempSync("/tmp/parley-test-");
	const victim = mkdtempSync("/tmp/parley-victim-");
	t.after(() => [directory, victim].forEach((path) => rmSync(path, { recursive: true, force: true })));
	chmodSync(directory, 0o755);
	const cluster = (command) => run("bash", [join(root, "deploy/local/cluster.sh"), command, directory]);
	await cluster("create");
	t.after(() => cluster("remove"));
	await asOwner("ln", "-s", join(victim, "gone"), join(directory, "cluster/socket"));
	await cluster("start");
	assert.ok(!existsSync(join(victim, "gone")));
});

test("a_cluster_waits_for_the_disk_unless_it_is_one_for_tests", async (t) => {
	const setting = async (FSYNC) => {
		const directory = mkdtempSync("/tmp/parley-test-");
		chmodSync(directory, 0o755);
		const cluster = (command) => run("bash", [join(root, "deploy/local/cluster.sh"), command, directory], { env: { ...process.env, FSYNC } });
		t.after(() => cluster("remove").then(() => rmSync(directory, { recursive: true })));
		await cluster("create");
		return (await asOwner(join(bin, "postgres"), "-C", "fsync", "-D", join(directory, "cluster/data"))).stdout.trim();
	};
	assert.deepEqual([await setting(undefined), await setting("off")], ["on", "off"]);
});
