// News as it comes: the operator's stream where push is set up, else a look every few seconds. Says which, and waits longer
// after each failure, by chance, so that many pages do not come back at once.

import { Problem, readEvents } from "./api.js";
import { words } from "./words.js";

const pollEvery = 4000;
const silenceMax = 60000; // two heartbeats and some

export class Live {
	// on(data): news, null where it is only known that something may have changed; say(text, state): for the reader
	constructor({ path, on, say }) {
		Object.assign(this, { path, on, say, failures: 0, lastId: null });
		addEventListener("online", () => this.wake?.());
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

	// True where there is no push.
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
