// Home, shards and front, created by deploy/shards/cluster.sh and removed when the test ends.

import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { psql, root, run } from "./database.mjs";

const scripts = join(root, "deploy/shards");

export class ShardedCluster {
	static async create(t, shards = 2) {
		const cluster = new ShardedCluster();
		cluster.directory = mkdtempSync("/tmp/parley-test-");
		cluster.shards = shards;
		chmodSync(cluster.directory, 0o755);
		t.after(async () => {
			await cluster.script("remove");
			rmSync(cluster.directory, { recursive: true });
		});
		await ShardedCluster.install();
		await cluster.script("create", String(shards));
		await cluster.wait("60s");
		return cluster;
	}

	static install() {
		return run("bash", ["-c", '. "$0"; bash "$1" "postgresql-$postgres_major-plproxy"',
			join(root, "deploy/local/common.sh"), join(root, "deploy/local/packages.sh")]);
	}

	// Sets how long the front waits for another database until that counts as away. The gateway connects again.
	async wait(timeout, places = {}) {
		await this.psql("front", `ALTER DATABASE parley SET parley.shard_timeout = '${timeout}'`);
		await this.connect(places);
		await this.psql("front", "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = 'parley_gateway'");
	}

	async script(command, ...args) {
		return (await run("bash", [join(scripts, "cluster.sh"), command, this.directory, ...args])).stdout.trim();
	}

	// Runs deploy/local/cluster.sh for one of them: home, front, shard0 …
	async one(command, name) {
		return (await run("bash", [join(root, "deploy/local/cluster.sh"), command, join(this.directory, name)])).stdout.trim();
	}

	// Tells the front where the databases are: those in places are elsewhere.
	async connect(places) {
		const names = ["home", ...Array.from({ length: this.shards }, (_, n) => `shard${n}`)];
		const all = await Promise.all(names.map(async (name) => places[name] ?? `host=${await this.one("socket", name)} port=5432 dbname=parley`));
		await this.psql("front", `SELECT parley_front.connect(${all.map((place) => `'${place}'`)})`);
	}

	async split() {
		const { stdout } = await run("bash", [join(scripts, "split.sh"), this.directory]);
		this.shards *= 2;
		return stdout.trim();
	}

	async env(name) {
		return { PGHOST: await this.one("socket", name), PGPORT: "5432", PGDATABASE: "parley", PGUSER: "postgres" };
	}

	async psql(name, sql) {
		return psql("parley", sql, await this.env(name));
	}

	// Returns the rows of all shards together, as JSON.
	async all(sql) {
		const rows = await Promise.all(Array.from({ length: this.shards }, (_, n) => this.psql(`shard${n}`, `SELECT coalesce(json_agg(r), '[]') FROM (${sql}) r`)));
		return rows.flatMap((text) => JSON.parse(text));
	}
}
