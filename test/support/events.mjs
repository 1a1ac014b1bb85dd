// A client of streams: reads server-sent events over HTTP/1.1 and keeps what each of them contained.

import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";
import { until } from "./gateway.mjs";

export class EventStream {
	// Returns the stream once its headers have arrived. If it was refused, its status is not 200 and body is the problem.
	// session: one of HTTP/2, which it then comes over
	static async open(base, path, { headers = {}, session, ...options } = {}) {
		const stream = new EventStream();
		const openedAt = Date.now();
		const request = session?.request({ ":path": path, ":authority": new URL(base).host, ...headers })
			?? (base.startsWith("https:") ? https : http).get(base + path, { agent: false, headers, ...options });
		stream.request = request;
		const answer = await new Promise((resolve, reject) => request.once("response", resolve).once("error", reject));
		const response = session === undefined ? answer : request;
		Object.assign(stream, { response, openedAt, status: answer.statusCode ?? answer[":status"], headers: answer.headers ?? answer });
		response.setEncoding("utf8");
		response.on("error", () => {});
		request.on("error", () => {});
		if (stream.status !== 200) {
			let text = "";
			for await (const chunk of response) text += chunk;
			stream.body = JSON.parse(text);
			return stream;
		}
		response.on("data", (chunk) => {
			stream.#take(chunk);
			stream.#told();
		});
		response.on("close", () => {
			stream.closed = true;
			stream.#told();
		});
		return stream;
	}

	// Waits for the next bytes, or the end.
	news() {
		return new Promise((resolve) => {
			this.#told = resolve;
			if (this.closed) resolve();
		});
	}

	events = []; // { id, event, data }, data as JSON
	comments = 0;
	closed = false;
	#told = () => {};
	#rest = "";
	#event = {};

	#take(chunk) {
		const lines = (this.#rest + chunk).split("\n");
		this.#rest = lines.pop();
		for (const line of lines) this.#takeLine(line);
	}

	#takeLine(line) {
		const [, name, value] = line.match(/^([a-z]*): ?(.*)$/) ?? [];
		if (line === "") {
			if (this.#event.data !== undefined) this.events.push({ ...this.#event, data: JSON.parse(this.#event.data), at: Date.now() });
			this.#event = {};
		} else if (name === "") this.comments++;
		else if (name === "id") this.lastId = this.#event.id = value;
		else if (name === "retry") this.retry = Number(value);
		else this.#event[name] = name === "data" && this.#event.data !== undefined ? this.#event.data + "\n" + value : value;
	}

	// Everything that the events so far contained of one kind.
	told(kind) {
		return this.events.flatMap((event) => event.data[kind] ?? []);
	}

	// Waits until this many events have arrived, and returns them.
	async until(count, bound) {
		await until(async () => this.events.length >= count || this.closed, `${count} events`, bound);
		assert.ok(this.events.length >= count, `the stream ended after ${JSON.stringify(this.events)}`);
		return this.events;
	}

	async untilTold(kind, count, bound) {
		await until(async () => this.told(kind).length >= count || this.closed, `${count} ${kind}`, bound);
		assert.ok(this.told(kind).length >= count, `the stream ended after ${this.told(kind).length} ${kind}`);
		return this.told(kind);
	}

	// Waits until the server has closed the stream, and returns the data of its last event.
	async untilEnd(bound) {
		await until(async () => this.closed, "the stream has ended", bound);
		const last = this.events.at(-1);
		assert.equal(last?.event, "end", JSON.stringify(this.events));
		return last.data;
	}

	// Disconnects as a client does, by FIN or by RST.
	leave(how = "destroy") {
		this.request.socket[how]();
	}
}

// Returns a metric of the gateway, summed over its labels.
export async function metric(base, name) {
	const text = await (await fetch(`${base}/metrics`)).text();
	const lines = text.split("\n").filter((line) => line.startsWith(name) && !/^[a-z_]/.test(line.slice(name.length)));
	return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
