// A monitor and two nodes created by deploy/ha/cluster.sh, each in its own network namespace if we may create one (as root), and the
// ways in which their machines fail.

import { mkdtempSync, chmodSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, run, psql } from "./database.mjs";
import { startGateways } from "./gateways.mjs";
import { until } from "./http.mjs";
import { freePort } from "./port.mjs";

const machines = ["monitor", "node1", "node2"];

export class FailoverCluster {
	static async create(t) {
		const cluster = new FailoverCluster();
		// In memory if there is room: only processes are lost here, and a disk that others flush as well only makes the test slower.
		const { bavail, bsize } = statfsSync("/dev/shm");
		cluster.directory = mkdtempSync(bavail * bsize > 2e9 ? "/dev/shm/parley-test-" : "/tmp/parley-test-");
		chmodSync(cluster.directory, 0o755);
		t.after(async () => {
			await cluster.script("remove");
			await cluster.#removeNetwork();
			rmSync(cluster.directory, { recursive: true });
		});
		await run("bash", ["-c", '. "$0"; bash "$1" iproute2 pg-auto-failover-cli "postgresql-$postgres_major-auto-failover"',
			join(root, "deploy/local/common.sh"), join(root, "deploy/local/packages.sh")]);
		await cluster.#makeNetwork();
		await cluster.script("create", String(await freePort(3)));
		return cluster;
	}

	// Starts parleyd in front of both nodes, with the timeouts of `make ha`. Returns its URL.
	async startGateway(t) {
		const [{ url }] = await startGateways(t, 1, { PARLEY_DATABASE_URL: await this.script("url"), PARLEY_STATEMENT_TIMEOUT_MS: "2000",
			PARLEY_CONNECT_TIMEOUT_MS: "1000", PARLEY_ACQUIRE_TIMEOUT_MS: "2000", PARLEY_REQUEST_TIMEOUT_MS: "10000", PARLEY_STREAM_HEARTBEAT_MS: "500" });
		return url;
	}

	async script(command, ...args) {
		return (await run("bash", [join(root, "deploy/ha/cluster.sh"), command, this.directory, ...args])).stdout.trim();
	}

	// A bridge, with a cable to each machine. The gateway and the clients use the bridge directly.
	async #makeNetwork() {
		this.network = process.getuid() === 0 ? `parley${process.pid}` : undefined;
		if (this.network === undefined) return;
		const subnet = `10.${200 + (process.pid >> 8) % 50}.${process.pid & 255}`;
		await run("ip", ["link", "add", `pb${process.pid}`, "type", "bridge"]);
		await run("ip", ["address", "add", `${subnet}.1/24`, "dev", `pb${process.pid}`]);
		await run("ip", ["link", "set", `pb${process.pid}`, "up"]);
		for (const [n, machine] of machines.entries()) {
			const [namespace, cable] = [`${this.network}-${machine}`, `pb${process.pid}-${n}`];
			await run("ip", ["netns", "add", namespace]);
			await run("ip", ["link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", namespace]);
			await run("ip", ["link", "set", cable, "master", `pb${process.pid}`, "up"]);
			await run("ip", ["-n", namespace, "address", "add", `${subnet}.${n + 2}/24`, "dev", "eth0"]);
			for (const device of ["lo", "eth0"]) await run("ip", ["-n", namespace, "link", "set", device, "up"]);
		}
		this.address = (machine) => `${subnet}.${machines.indexOf(machine) + 2}`;
		writeFileSync(join(this.directory, "machines"), machines.map((machine, n) =>
			`${machine} ${this.address(machine)} ${5432 + n} ${this.network}-${machine}\n`).join(""));
	}

	async #removeNetwork() {
		if (this.network === undefined) return;
		for (const machine of machines) await run("ip", ["netns", "delete", `${this.network}-${machine}`]);
		await run("ip", ["link", "delete", `pb${process.pid}`]);
	}

	primary() {
		return this.script("primary");
	}

	// Waits until a machine other than this one is the primary.
	async untilReplaced(machine) {
		await until(async () => !["", machine].includes(await this.primary()), "another machine is the primary").catch(async (error) => {
			const states = "SELECT nodename, goalstate, reportedstate, health, reporttime, walreporttime, healthchecktime, now() FROM pgautofailover.node";
			throw new Error(`${error.message}\n${await psql("pg_auto_failover", states, await this.env("monitor"))}`);
		});
	}

	// Signals all processes of a machine, as close to at once as possible.
	async signal(machine, signal) {
		for (const pid of (await this.script("processes", machine)).split("\n")) {
			try {
				process.kill(Number(pid), signal);
			} catch (error) {
				if (error.code !== "ESRCH") throw error;
			}
		}
	}

	// Cuts the machine off from the others, in both directions. Clients still reach it, unless the whole cable is cut.
	async cut(machine, { whole }) {
		const namespace = `${this.network}-${machine}`;
		if (whole) return run("ip", ["link", "set", `pb${process.pid}-${machines.indexOf(machine)}`, "down"]);
		for (const other of machines.filter((name) => name !== machine)) {
			await run("ip", ["-n", namespace, "route", "add", "blackhole", this.address(other)]);
		}
	}

	async heal(machine, { whole }) {
		const namespace = `${this.network}-${machine}`;
		if (whole) return run("ip", ["link", "set", `pb${process.pid}-${machines.indexOf(machine)}`, "up"]);
		for (const other of machines.filter((name) => name !== machine)) {
			await run("ip", ["-n", namespace, "route", "delete", "blackhole", this.address(other)]);
		}
	}

	// A connection string with both nodes, for another database.
	async place() {
		const [, hosts] = /@([^/]*)/.exec(await this.script("url"));
		const nodes = hosts.split(",").map((host) => host.split(":"));
		return `host=${nodes.map(([host]) => host)} port=${nodes.map(([, port]) => port)} dbname=parley target_session_attrs=read-write`;
	}

	// The environment for connecting to a machine's database through its socket.
	async env(machine) {
		const [, , port] = (await run("grep", [`^${machine} `, join(this.directory, "machines")])).stdout.trim().split(" ");
		const owner = process.getuid() === 0 ? "postgres" : (await run("id", ["-un"])).stdout.trim();
		return { PGHOST: await this.script("socket"), PGPORT: port, PGUSER: owner, PGDATABASE: "parley" };
	}

	async psql(sql) {
		return psql("parley", sql, await this.env(await this.primary()));
	}
}
