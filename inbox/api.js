// The server: one function for all requests, and news as it arrives. The token is kept in sessionStorage only.

import { words } from "./words.js";

const base = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
const tokenName = "parley-token";

export const session = {
	get token() {
		return sessionStorage.getItem(tokenName);
	},
	set token(token) {
		if (token) sessionStorage.setItem(tokenName, token);
		else sessionStorage.removeItem(tokenName);
	},
};

// Removes a token from the address at once, so that it does not end up in the history.
const handed = /[#&]token=([^&]+)/.exec(location.hash);
if (handed) {
	session.token = decodeURIComponent(handed[1]);
	history.replaceState(null, "", location.hash.replace(/token=[^&]+&?/, ""));
}

// An error, in the server's own words.
export class Problem extends Error {
	constructor(status, document = {}) {
		const fields = (document.errors ?? []).map((error) => `${error.field}: ${error.detail}`).join("; ");
		super(fields || document.detail || document.title || words.unreachable);
		this.status = status;
	}
}

const askToSignIn = ({ status }) =>
	status === 401 && dispatchEvent(new CustomEvent("parley-signin", { detail: { refused: session.token !== null } }));

const headersOf = (more) => (session.token ? { authorization: `Bearer ${session.token}`, ...more } : more);

export const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

// call("POST /contacts", { body, query, key, signal }) → { data, cursor (of the next page), total }; throws Problem, or AbortError.
export async function call(line, { body, query = {}, key, signal } = {}) {
	const [method, path] = line.split(" ");
	const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
	const headers = headersOf({});
	if (body !== undefined) headers["content-type"] = "application/json";
	if (key !== undefined) headers["idempotency-key"] = key;
	let response;
	try {
		response = await fetch(base + path + (given.length > 0 ? "?" + new URLSearchParams(given) : ""),
			{ method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" });
	} catch (error) {
		if (error.name === "AbortError") throw error;
		throw new Problem(0);
	}
	askToSignIn(response);
	const text = await response.text();
	if (!response.ok) {
		let document = {};
		try {
			document = JSON.parse(text);
		} catch { /* a proxy's page */ }
		throw new Problem(response.status, document);
	}
	const next = /<([^>]*)>; *rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
	return {
		data: text === "" ? null : JSON.parse(text),
		cursor: next ? new URL(next, location.href).searchParams.get("cursor") : null,
		total: Number(response.headers.get("x-total-count")),
	};
}

export const all = async (line, options) => (await call(line, options)).data;

// Reads server-sent events with fetch, because EventSource cannot send a token. Calls on({ id, event, data, retry }).
async function readEvents(path, { lastId, signal, on, onOpen }) {
	const response = await fetch(base + path, {
		headers: headersOf({ accept: "text/event-stream", ...(lastId ? { "last-event-id": lastId } : {}) }), signal, cache: "no-store" });
	askToSignIn(response);
	if (!response.ok) throw new Problem(response.status);
	onOpen();
	const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
	for (let rest = ""; ;) {
		const { value, done } = await reader.read();
		if (done) return;
		rest += value;
		for (let end; (end = rest.indexOf("\n\n")) >= 0; rest = rest.slice(end + 2)) {
			const event = {};
			for (const line of rest.slice(0, end).split("\n")) {
				const [, field, text] = /^([^:]*):? ?(.*)$/.exec(line);
				event[field] = text;
			}
			on({ ...event, data: event.data ? JSON.parse(event.data) : null });
		}
	}
}

// News: the operator's stream if push is set up, else a request every few seconds. Waits longer after each failure, at random, so
// that many pages do not return at once.
const pollEvery = 4000;
const silenceMax = 60000; // over two heartbeats

export class Live {
	// on(data): news, null if something may have changed; say(text, state): shown to the reader
	constructor({ path, on, say }) {
		Object.assign(this, { path, on, say, failures: 0, lastId: null });
		addEventListener("online", () => {
			this.failures = 0; // those of a try that is under way are still counted
			this.wake?.();
		});
		document.addEventListener("visibilitychange", () => document.hidden || this.wake?.());
	}

	async run() {
		for (;;) {
			this.say(words.connecting, "connecting");
			const polls = await this.#stream();
			if (polls) await this.#poll();
			else await this.#wait();
		}
	}

	// Returns true if there is no push.
	async #stream() {
		const stop = new AbortController();
		let alarm = setTimeout(() => stop.abort(), silenceMax);
		try {
			await readEvents(this.path, { lastId: this.lastId, signal: stop.signal,
				onOpen: () => {
					this.failures = 0;
					this.say(words.live, "live");
					this.on(null);
				},
				on: (event) => {
					clearTimeout(alarm);
					alarm = setTimeout(() => stop.abort(), silenceMax);
					if (event.id !== undefined) this.lastId = event.id;
					if (event.retry !== undefined) this.retry = Number(event.retry);
					if (event.event === "end" && event.data?.reason === "gone") this.lastId = null;
					else if (event.data !== null && event.event !== "end") this.on(event.data);
				} });
		} catch (error) {
			if (error instanceof Problem && error.status === 410) this.lastId = null;
			if (error instanceof Problem && [404, 503].includes(error.status)) return true;
			this.failures++;
		} finally {
			clearTimeout(alarm);
		}
		return false;
	}

	async #wait() {
		const after = this.failures === 0 ? this.retry ?? 500 : Math.min(30000, 500 * 2 ** this.failures) * (0.5 + Math.random() / 2);
		this.retry = undefined;
		if (this.failures > 0) this.say(words.offline(Math.max(1, Math.round(after / 1000))), "offline");
		await this.#sleep(after);
	}

	async #poll() {
		this.say(words.polling, "polling");
		for (let turns = 0; turns < 15; turns++) {
			if (!document.hidden) this.on(null);
			await this.#sleep(pollEvery);
		}
	}

	#sleep(ms) {
		return new Promise((resolve) => {
			const timer = setTimeout(resolve, ms);
			this.wake = () => {
				clearTimeout(timer);
				resolve();
			};
		});
	}
}
