// A user who stays connected as far as possible: to any of several gateways, resuming from the last cursor. Counts the messages that
// arrived, and why streams ended.

import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { EventStream } from "./events.mjs";

export class Listener {
	// options: () => options for EventStream.open(), called for each stream
	constructor(user, urls, options = () => ({ timeout: 5000 })) {
		Object.assign(this, { user, urls, options, heard: new Map(), repeated: 0, disordered: 0, ends: {}, stopped: false });
		this.running = this.#run();
	}

	async #run() {
		while (!this.stopped) {
			const url = this.urls[randomInt(this.urls.length)];
			const { headers, ...options } = this.options();
			const resume = this.cursor === undefined ? {} : { "last-event-id": this.cursor };
			try {
				const stream = await EventStream.open(url, `/users/${this.user}/events`, { headers: { ...headers, ...resume }, ...options });
				if (stream.status === 410) this.cursor = undefined;
				if (stream.status === 200) await this.#follow(stream);
			} catch {
				// The gateway is gone.
			}
			await pause(50);
		}
	}

	async #follow(stream) {
		this.stream = stream;
		if (this.stopped) stream.request.destroy();
		for (let taken = 0; ; await stream.news()) {
			for (; taken < stream.events.length; taken++) this.#take(stream.events[taken]);
			if (stream.lastId !== undefined) this.cursor = stream.lastId;
			if (stream.closed) break;
		}
		const last = stream.events.at(-1);
		const reason = last?.event === "end" ? last.data.reason : this.stopped ? "client" : "cut";
		this.ends[reason] = (this.ends[reason] ?? 0) + 1;
		if (reason === "gone") this.stopped = true;
	}

	#take({ event, data }) {
		if (event === "end") return;
		for (const { conversation_id, message_id } of data.messages) {
			const last = this.heard.get(conversation_id) ?? 0;
			if (message_id <= last) this.repeated++;
			else if (message_id !== last + 1) this.disordered++;
			this.heard.set(conversation_id, Math.max(last, message_id));
		}
	}

	async stop() {
		this.stopped = true;
		this.stream?.request.destroy();
		await this.running;
	}
}
