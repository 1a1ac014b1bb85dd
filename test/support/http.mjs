// Requests to the gateway under test, both as any client makes them and byte for byte.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

export const url = process.env.PARLEY_URL;

// request("POST /contacts", body, headers) → { status, headers, body }
export async function request(line, body, headers = {}) {
	const [method, path] = line.split(" ");
	const options = { method, headers: { ...headers } };
	if (body !== undefined) {
		options.headers["content-type"] = "application/json";
		options.body = JSON.stringify(body);
	}
	const response = await fetch(url + path, options);
	const text = await response.text();
	return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
}

// Returns the response to a request target that no client library would send as it is.
export async function rawGet(target) {
	const { hostname, port } = new URL(url);
	const socket = connect(Number(port), hostname);
	const chunks = [];
	socket.on("data", (chunk) => chunks.push(chunk));
	socket.write(Buffer.from(`GET ${target} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`, "latin1"));
	await new Promise((resolve, reject) => socket.once("close", resolve).once("error", reject));
	const [head, body] = Buffer.concat(chunks).toString().split("\r\n\r\n");
	const [statusLine, ...lines] = head.split("\r\n");
	const headers = new Headers(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]));
	return { status: Number(statusLine.split(" ")[1]), headers, body };
}

// Returns the targets of a Link header by relation.
export function links(answer) {
	const header = answer.headers.get("link") ?? "";
	return Object.fromEntries([...header.matchAll(/<([^>]*)>; *rel="([a-z]+)"/g)].map(([, target, rel]) => [rel, target]));
}

export function assertProblem(answer, status) {
	const body = typeof answer.body === "string" ? JSON.parse(answer.body) : answer.body;
	assert.equal(answer.status, status, JSON.stringify(body));
	assert.match(answer.headers.get("content-type"), /^application\/problem\+json/);
	assert.equal(body.status, status);
	for (const member of ["type", "title", "detail", "code", "request_id"]) assert.equal(typeof body[member], "string", member);
	assert.equal(body.request_id, answer.headers.get("x-request-id"));
	return body;
}

export async function until(condition, what, seconds = 120) {
	for (const end = Date.now() + seconds * 1000; Date.now() < end; await pause(50)) if (await condition()) return;
	assert.fail(`not within ${seconds} s: ${what}`);
}
