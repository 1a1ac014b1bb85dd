// A client that keeps its connections and, if told to be patient, repeats requests that got no response, as an app does.

import http from "node:http";
import https from "node:https";
import { setTimeout as pause } from "node:timers/promises";

const name = "chat.example.org";
const mayBeRepeated = new Set([502, 503, 504]);

export class Client {
	// patience: for how many seconds to repeat a request that got no response, or a temporary error
	constructor(url, { ca, connections = 1, patience = 0 } = {}) {
		this.url = url;
		this.patience = patience;
		this.transport = url.startsWith("https:") ? https : http;
		this.agent = new this.transport.Agent({ keepAlive: true, maxSockets: connections, ca, servername: ca && name });
	}

	// request("POST /users", body, headers) → { status, headers, body, repeated }
	async request(line, body, headers = {}) {
		const end = Date.now() + this.patience * 1000;
		for (let tries = 0; ; tries++) {
			let answer;
			try {
				answer = await this.#send(line, body, headers);
			} catch (error) {
				if (Date.now() >= end) throw new Error(`${line}: ${error.message}`, { cause: error });
			}
			if (answer && (!mayBeRepeated.has(answer.status) || Date.now() >= end)) return { ...answer, repeated: tries > 0 };
			await pause(20 + 80 * Math.random());
		}
	}

	#send(line, body, headers) {
		const [method, path] = line.split(" ");
		const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
		if (payload) headers = { ...headers, "content-type": "application/json", "content-length": payload.length };
		return new Promise((resolve, reject) => {
			const request = this.transport.request(this.url + path, { method, headers, agent: this.agent }, (response) => {
				const chunks = [];
				response.on("data", (chunk) => chunks.push(chunk));
				response.once("error", reject);
				response.once("end", () => {
					const text = Buffer.concat(chunks).toString();
					resolve({ status: response.statusCode, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) });
				});
			});
			request.setTimeout(150000, () => request.destroy(new Error("no answer in 150 s")));
			request.once("error", reject);
			request.end(payload);
		});
	}

	close() {
		this.agent.destroy();
	}
}
