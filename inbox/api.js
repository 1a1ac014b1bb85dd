// The server: one function for every request, and the stream of events. The token lives in sessionStorage alone.

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

// A token that was handed over in the fragment is taken out of the address at once, so that it is in no history.
const handed = /[#&]token=([^&]+)/.exec(location.hash);
if (handed) {
	session.token = decodeURIComponent(handed[1]);
	history.replaceState(null, "", location.pathname + location.search + location.hash.replace(handed[0], handed[0][0] === "#" ? "#" : ""));
}

// What the server refused, in its own words.
export class Problem extends Error {
	constructor(status, document = {}) {
		const fields = (document.errors ?? []).map((error) => `${error.field}: ${error.detail}`).join("; ");
		super(fields || document.detail || document.title || words.unreachable);
		this.status = status;
		this.code = document.code;
		this.retryAfter = document.retryAfter;
	}
}

const headersOf = (more) => (session.token ? { authorization: `Bearer ${session.token}`, ...more } : more);

export const newKey = () => crypto.randomUUID?.() ??
	Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

// call("POST /contacts", { body, query, key, signal }) → { data, next, total, status }; throws Problem, or AbortError.
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
	if (response.status === 401) dispatchEvent(new CustomEvent("parley-signin", { detail: { refused: session.token !== null } }));
	const text = await response.text();
	if (!response.ok) {
		let document = {};
		try {
			document = JSON.parse(text);
		} catch { /* a proxy's page */ }
		throw new Problem(response.status, { ...document, retryAfter: Number(response.headers.get("retry-after")) || undefined });
	}
	const next = /<([^>]*)>; *rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
	return {
		data: text === "" ? null : JSON.parse(text),
		next: next && new URL(next, location.href),
		total: response.headers.has("x-total-count") ? Number(response.headers.get("x-total-count")) : null,
		status: response.status,
	};
}

// The cursor of a list's next page, or null.
export const cursorOf = (answer) => answer.next?.searchParams.get("cursor") ?? null;

export const all = async (line, options) => (await call(line, options)).data;

// Reads Server-Sent Events by fetch, which can send a token as EventSource cannot. on({ id, event, data, retry }) for each.
export async function readEvents(path, { lastId, signal, on, onOpen }) {
	const response = await fetch(base + path, {
		headers: headersOf({ accept: "text/event-stream", ...(lastId ? { "last-event-id": lastId } : {}) }), signal, cache: "no-store" });
	if (response.status === 401) dispatchEvent(new CustomEvent("parley-signin", { detail: { refused: session.token !== null } }));
	if (!response.ok) throw new Problem(response.status);
	onOpen();
	const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
	let rest = "";
	for (;;) {
		const { value, done } = await reader.read();
		if (done) return;
		rest += value;
		for (let end; (end = rest.indexOf("\n\n")) >= 0; rest = rest.slice(end + 2)) {
			const event = { data: [] };
			for (const line of rest.slice(0, end).split("\n")) {
				const colon = line.indexOf(":");
				const field = colon < 0 ? line : line.slice(0, colon);
				const text = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
				if (field === "data") event.data.push(text);
				else if (field !== "") event[field] = text;
			}
			on({ ...event, data: event.data.length > 0 ? JSON.parse(event.data.join("\n")) : null });
		}
	}
}
