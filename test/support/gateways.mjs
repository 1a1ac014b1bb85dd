// Gateways for one test, and nginx in front of them with the configuration in deploy/. All of them end with the test.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { Client } from "./client.mjs";
import { root, run } from "./database.mjs";
import { until } from "./http.mjs";
import { freePort } from "./port.mjs";

// A directory that the cluster's user can enter too.
export function makeDirectory(t) {
	const directory = mkdtempSync("/tmp/parley-test-");
	chmodSync(directory, 0o755);
	t.after(() => rmSync(directory, { recursive: true, force: true }));
	return directory;
}

// If a failed test left something running, the file's process would not end.
const running = new Set();
after(() => running.forEach((child) => child.kill("SIGKILL")));

// A child that must still be running when the test ends it.
function start(t, name, command, args, env = {}) {
	const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] });
	const exit = once(child, "exit");
	child.said = "";
	running.add(child.once("exit", () => running.delete(child)));
	child.stderr.on("data", (chunk) => (child.said = (child.said + chunk).slice(-4000)));
	// From here on it is the test that ends it.
	child.drain = async () => {
		child.isDrained = true;
		await child.end();
		assert.equal(child.exitCode, 0, `${name} did not end well: ${child.said}`);
	};
	child.end = async (signal = "SIGTERM") => {
		child.kill(signal);
		await exit;
	};
	t.after(async () => {
		if (child.signalCode === "SIGKILL" || child.isDrained) return;
		assert.equal(child.exitCode, null, `${name} ended by itself: ${child.said}`);
		await child.end();
		assert.equal(child.exitCode, 0, `${name} did not end well: ${child.said}`);
	});
	return child;
}

// As in deploy/local/common.sh: root's clusters belong to postgres, and only that user can enter their socket directory.
export const asOwner = process.getuid() === 0 ? ["--reuid=postgres", "--regid=postgres", "--init-groups"] : [];

// Returns [{ url, address, kill() }], ready to serve the database of env, or (untilLine "GET /health") at least running.
export async function startGateways(t, count, env = {}, untilLine = "GET /ready") {
	const gateways = [];
	for (let n = 0; n < count; n++) {
		const address = `127.0.0.1:${await freePort()}`;
		const logged = env.PARLEY_LOG_REQUESTS === undefined ? ["--log-requests=false"] : [];
		const args = ["--pdeathsig", "TERM", ...asOwner, "--", process.env.PARLEYD, "--listen", address, ...logged];
		const child = start(t, "parleyd", "setpriv", args, { PGUSER: "parley_gateway", PARLEY_INSECURE: "true", ...env });
		gateways.push({ address, url: `http://${address}`, child, kill: () => child.end("SIGKILL"), drain: () => child.drain() });
	}
	for (const gateway of gateways) await untilAnswered(gateway.child, new Client(gateway.url), untilLine, 200);
	return gateways;
}

// Waits until the server that is the child responds with this status.
async function untilAnswered(child, client, line, status) {
	const isAnswered = () => client.request(line).then((answer) => answer.status === status, () => false);
	await until(async () => child.exitCode !== null || (await isAnswered()), `${client.url} answers`);
	assert.equal(child.exitCode, null, `it ended by itself: ${child.said}`);
	client.close();
}

async function makeCertificate(directory) {
	await run("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
		"-subj", "/CN=chat.example.org", "-addext", "subjectAltName=DNS:chat.example.org",
		"-keyout", join(directory, "privkey.pem"), "-out", join(directory, "fullchain.pem")]);
	return readFileSync(join(directory, "fullchain.pem"), "utf8");
}

// Returns deploy/nginx.conf with what an installation would change, and with writable paths. Each text to replace must be there.
function configure(directory, addresses, ports, { rate, proxies }) {
	let text = readFileSync(join(root, "deploy/nginx.conf"), "utf8");
	const replace = (pattern, by) => {
		assert.match(text, pattern, "deploy/nginx.conf no longer has what the tests replace");
		text = text.replace(pattern, by);
	};
	const servers = addresses.map((address) => `server ${address} max_fails=0;`).join("\n");
	replace(/(server 127\.0\.0\.1:808\d max_fails=0;\s+){3}/, servers + "\n");
	replace(/listen 80;/, `listen 127.0.0.1:${ports.plain};`);
	replace(/listen 443 ssl/, `listen 127.0.0.1:${ports.tls} ssl`);
	replace(/rate=100r\/s/, `rate=${rate}r/s`);
	replace(/# set_real_ip_from 192\.0\.2\.0\/24;/, proxies ? `set_real_ip_from ${proxies};` : "");
	replace(/\/run\/nginx\.pid/, join(directory, "nginx.pid"));
	replace(/\/etc\/ssl\/parley/g, directory);
	replace(/\/var\/log\/nginx/g, directory);
	replace(/\/usr\/share\/parley/, directory);
	cpSync(join(root, "inbox"), join(directory, "inbox"), { recursive: true });
	const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${directory}/${name};`);
	replace(/http \{/, "http {\n" + temporary.join("\n"));
	const file = join(directory, "nginx.conf");
	writeFileSync(file, text);
	return file;
}

// Starts nginx in front of the gateways at these addresses, behind proxies of a network. Returns { url, plainUrl, ca, directory
// }.
export async function startNginx(t, addresses, { rate = 100000, proxies } = {}) {
	const directory = makeDirectory(t);
	const ports = { plain: await freePort(), tls: await freePort() };
	const ca = await makeCertificate(directory);
	const file = configure(directory, addresses, ports, { rate, proxies });
	const child = start(t, "nginx", "/usr/sbin/nginx", ["-p", directory, "-c", file, "-e", join(directory, "error.log"), "-g", "daemon off;"]);
	const nginx = { url: `https://127.0.0.1:${ports.tls}`, plainUrl: `http://127.0.0.1:${ports.plain}`, ca, directory };
	await untilAnswered(child, new Client(nginx.url, nginx), "GET /metrics", 404);
	return nginx;
}
