// PostgreSQL clusters for one test, created by deploy/local/cluster.sh and removed with the test.

import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bin, psql, root, run } from "./database.mjs";
import { until } from "./http.mjs";

const common = join(root, "deploy/local/common.sh");

export class Cluster {
	constructor(t) {
		this.directory = mkdtempSync("/tmp/parley-test-");
		this.data = join(this.directory, "cluster/data");
		chmodSync(this.directory, 0o755);
		t.after(async () => {
			await this.#script("remove");
			rmSync(this.directory, { recursive: true });
		});
	}

	// Creates and starts a new cluster with the database parley.
	static async create(t, settings = []) {
		const cluster = new Cluster(t);
		await cluster.#script("create");
		await cluster.#asOwner("sh", "-c", 'printf "%s\\n" "$@" >>"$0/postgresql.auto.conf"', cluster.data, ...settings);
		await cluster.start();
		await cluster.#script("database", "parley");
		return cluster;
	}

	// Creates and starts a standby of this cluster.
	async standby(t) {
		const standby = new Cluster(t);
		await standby.makeHome();
		await this.#asOwner(join(bin, "pg_basebackup"), "--host", this.socket, "--username", "postgres", "--pgdata", standby.data,
			"--checkpoint=fast", "--write-recovery-conf");
		await standby.start();
		return standby;
	}

	// Stops this cluster, and creates and starts one that pg_upgrade has made of it.
	async upgrade(t) {
		const upgraded = new Cluster(t);
		await upgraded.#script("create");
		await this.stop();
		await this.#asOwner("sh", "-c", 'cd "$0" && exec "$@"', join(upgraded.directory, "cluster"), join(bin, "pg_upgrade"), "--username=postgres",
			`--old-bindir=${bin}`, `--new-bindir=${bin}`, `--old-datadir=${this.data}`, `--new-datadir=${upgraded.data}`);
		await upgraded.start();
		return upgraded;
	}

	// Makes the directory for the files of a cluster that is created by other means.
	async makeHome() {
		const home = join(this.directory, "cluster");
		await run("bash", ["-c", '. "$0"; mkdir -m 700 "$1"; chown "$owner" "$1"', common, home]);
		this.socket = join(home, "socket");
		this.env = { PGHOST: this.socket, PGPORT: "5432", PGDATABASE: "parley", PGUSER: "postgres" };
		await this.makeDirectory(this.socket);
	}

	// Runs commands in a shell as the owner of the cluster's files, with PostgreSQL's programs in PATH.
	shell(script) {
		return this.#asOwner("env", `PATH=${bin}:${process.env.PATH}`, "PGPORT=5432", "PGUSER=postgres", "bash", "-ec", script);
	}

	#script(command, ...args) {
		return run("bash", [join(root, "deploy/local/cluster.sh"), command, this.directory, ...args]);
	}

	// Runs as the user who owns the cluster's files.
	#asOwner(...words) {
		return run("bash", ["-c", '. "$0"; as_owner "$@"', common, ...words]);
	}

	// A directory that belongs to the owner of the cluster's files.
	makeDirectory(path) {
		return this.#asOwner("mkdir", path);
	}

	async start() {
		await this.#script("start");
		this.socket = (await this.#script("socket")).stdout.trim();
		this.env = { PGHOST: this.socket, PGPORT: "5432", PGDATABASE: "parley", PGUSER: "postgres" };
	}

	stop() {
		return this.#script("stop");
	}

	// Kills all processes at once, without a checkpoint.
	halt() {
		return this.#asOwner(join(bin, "pg_ctl"), "stop", "--silent", "--mode=immediate", `--pgdata=${this.data}`);
	}

	// Call this while the cluster is stopped. Advances the next transaction ID by that much, as if so many transactions had run.
	async skipTransactions(count) {
		const next = Number((await this.#asOwner(join(bin, "pg_controldata"), this.data)).stdout.match(/NextXID: +\d+:(\d+)/)[1]) + count;
		const pages = Math.floor(next / 2 ** 20) * 2 ** 20;
		await this.#asOwner(join(bin, "pg_resetwal"), `--next-transaction-id=${pages}`, this.data);
		const segment = Math.floor(pages / 2 ** 20).toString(16).toUpperCase().padStart(4, "0");
		await this.#asOwner("sh", "-c", 'head -c 262144 /dev/zero >"$0"', join(this.data, "pg_xact", segment));
	}

	// Kills only the postmaster (-9). Its children notice by themselves; no other postmaster can start before that.
	async crash() {
		process.kill(Number(readFileSync(join(this.data, "postmaster.pid"), "utf8").split("\n")[0]), "SIGKILL");
		await until(() => this.start().then(() => true, () => false), "the cluster has started again");
	}

	psql(sql) {
		return psql("parley", sql, this.env);
	}
}
