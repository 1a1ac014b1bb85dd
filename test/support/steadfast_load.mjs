// Clients of a product that must not lose anything while databases fail over: writers and payers with idempotency keys, who repeat each
// request until it succeeds, and readers, half by sync and half by streams. Afterwards, everything acknowledged is compared with the
// database.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { Client } from "./client.mjs";
import { EventStream } from "./events.mjs";
import { phone, word } from "./people.mjs";

const place = (message) => `${message.conversation_id}/${message.message_id}`;

// What is lost and repeated with its key has the same place and content, but was created at another instant.
const once = (place, created_at) => `${place} of ${Date.parse(created_at)}`;

export class SteadfastLoad {
	posted = new Map(); // "conversation/number": { key, content }, as acknowledged
	paid = new Map(); // key: "user/account/number" of the paying line, as acknowledged
	answeredAt = []; // when each acknowledgement arrived, in milliseconds
	postedAt = []; // the same for messages only
	replays = 0;

	// pairs: how many pairs of users talk to and pay each other through the gateway at url
	static async begin(url, { pairs = 6, money = 1000000 } = {}) {
		const load = new SteadfastLoad();
		load.url = url;
		const client = new Client(url, { patience: 120 });
		const made = async (line, body) => {
			const answer = await client.request(line, body);
			assert.ok([200, 201].includes(answer.status), `${line}: ${answer.status} ${JSON.stringify(answer.body)}`);
			return answer.body;
		};
		load.pairs = [];
		for (let n = 0; n < pairs; n++) {
			// Skip an id, so that the pairs' ids differ in their last bit.
			if (n % 2) await made("POST /users", { phone: phone() });
			const users = [await made("POST /users", { phone: phone() }), await made("POST /users", { phone: phone() })];
			const { id } = await made(`POST /users/${users[0].id}/conversations`, { recipient_id: users[1].id });
			for (const user of users) {
				user.account = (await made(`POST /users/${user.id}/accounts`, { currency: "EUR" })).id;
				await made(`POST /users/${user.id}/accounts/${user.account}/transactions`, { amount: money });
			}
			load.pairs.push({ id, users, postedAt: [] });
		}
		client.close();
		load.total = pairs * 2 * money;
		return load;
	}

	start() {
		this.working = this.reading = true;
		this.readers = this.pairs.flatMap(({ users }) => [new SyncReader(this, users[0]), new StreamReader(this, users[1])]);
		this.writers = this.pairs.flatMap((pair) => [this.#write(pair), this.#pay(pair)]);
		this.followers = this.readers.map((reader) => reader.run());
	}

	// Repeats the request until the response is 201, whatever failures come first.
	async #insist(client, line, body) {
		const key = word();
		for (;;) {
			const answer = await client.request(line, body, { "idempotency-key": key }).catch(() => undefined);
			if (answer?.status === 201) {
				this.answeredAt.push(Date.now());
				if (answer.headers["idempotency-replayed"]) this.replays++;
				return { key, body: answer.body };
			}
			assert.ok(answer === undefined || answer.status >= 500, `${line}: ${answer?.status} ${JSON.stringify(answer?.body)}`);
			if (this.isAbandoned) throw new Error(`${line} was given up`);
			await pause(50);
		}
	}

	async #write({ id, users, postedAt }) {
		const client = new Client(this.url);
		while (this.working) {
			const content = word();
			const { key, body } = await this.#insist(client, `POST /users/${users[randomInt(2)].id}/conversations/${id}/messages`, { content });
			assert.ok(!this.posted.has(place(body)), `${place(body)} was acknowledged twice`);
			this.posted.set(place(body), { key, content });
			this.postedAt.push(Date.now());
			postedAt.push(Date.now());
			await pause(20);
		}
		client.close();
	}

	async #pay({ users }) {
		const client = new Client(this.url);
		for (let n = 0; this.working; n++) {
			const [from, to] = n % 2 ? users : [users[1], users[0]];
			const { key, body } = await this.#insist(client, `POST /users/${from.id}/transfers`,
				{ from_account_id: from.account, to_user_id: to.id, to_account_id: to.account, amount: randomInt(1, 100) });
			this.paid.set(key, body);
			await pause(40);
		}
		client.close();
	}

	// Returns the longest time without an acknowledgement since an instant.
	silence(since = 0, acknowledged = this.answeredAt) {
		const times = acknowledged.filter((at) => at >= since).sort((a, b) => a - b);
		return Math.max(...times.slice(1).map((at, n) => at - times[n]));
	}

	async untilAcknowledgedAfter(instant, bound_ms) {
		for (const end = Date.now() + bound_ms; Date.now() < end; await pause(20)) if (this.answeredAt.some((at) => at > instant)) return;
		assert.fail(`nothing was acknowledged within ${bound_ms} ms`);
	}

	// Waits until each of the pairs has had a message acknowledged after an instant.
	async untilPostedAfter(instant, pairs, bound_ms) {
		for (const end = Date.now() + bound_ms; Date.now() < end; await pause(20)) {
			if (pairs.every(({ postedAt }) => postedAt.at(-1) > instant)) return;
		}
		assert.fail(`not every pair had a message acknowledged within ${bound_ms} ms`);
	}

	// Stops without waiting for responses, after a test has failed.
	async abandon() {
		this.isAbandoned = true;
		this.working = this.reading = false;
		await Promise.allSettled([...this.writers, ...this.followers]);
	}

	async stop() {
		this.working = false;
		await Promise.all(this.writers);
		this.reading = false;
		await Promise.all(this.followers);
	}

	// stored: the messages in the database, [{ place, key, content, created_at }]
	// transactions: where they can be lost, those in the database, [{ place: "user/account/number", created_at }]
	assertNothingIsLostOrTwice(stored, transactions) {
		const byPlace = new Map(stored.map((message) => [message.place, message]));
		const kept = new Set([...stored, ...(transactions ?? [])].map(({ place, created_at }) => once(place, created_at)));
		const keys = stored.map((message) => message.key);
		const lost = [...this.posted].filter(([at, { key, content }]) => byPlace.get(at)?.key !== key || byPlace.get(at)?.content !== content);
		assert.deepEqual(lost, [], "acknowledged messages that are not there");
		assert.equal(new Set(keys).size, keys.length, "messages are there twice");
		for (const reader of this.readers) {
			const [{ id }] = this.pairs.filter(({ users }) => users.includes(reader.user));
			const missed = stored.filter((message) => message.place.startsWith(`${id}/`) && reader.seen.get(message.place) !== message.content);
			assert.deepEqual(missed, [], `what ${reader.constructor.name} of user ${reader.user.id} was not told`);
			// A reader who was told something that was then lost must have been made to start over.
			const lost = [...reader.toldMessages, ...(transactions ? reader.toldTransactions : [])].filter((told) => !kept.has(told));
			assert.ok(lost.length === 0 || reader.gone.length > 0, `${lost} were told and are lost, without a word`);
			assert.ok(lost.length > 0 || reader.gone.length === 0,
				`a cursor was refused though nothing that was told is lost: ${JSON.stringify(reader.gone)}`);
		}
	}

	// keys: the number of transactions per idempotency key, [[key, count]]; balance: the sum over all accounts
	assertMoneyIsRight({ keys, balance }) {
		const counts = new Map(keys);
		for (const key of this.paid.keys()) assert.equal(counts.get(key), 1, `transfer ${key}`);
		assert.equal(balance, this.total, "money came or went");
	}
}

class Reader {
	seen = new Map(); // "conversation/number": content
	toldMessages = new Set();
	toldTransactions = new Set();
	gone = []; // cursors that were refused

	constructor(load, user) {
		Object.assign(this, { load, user });
	}

	take({ messages = [], transactions = [] }) {
		for (const message of messages) {
			this.seen.set(place(message), message.content);
			this.toldMessages.add(once(place(message), message.created_at));
		}
		for (const { account_id, id, created_at } of transactions) this.toldTransactions.add(once(`${this.user.id}/${account_id}/${id}`, created_at));
	}

	// After a 410 the reader starts from the beginning.
	startOver() {
		this.gone.push({ cursor: this.cursor, at: new Date().toISOString() });
		this.cursor = undefined;
	}

	// Syncs as long as the load is reading, and then until three responses in a row have brought nothing new.
	async finish(client) {
		for (let quiet = 0; quiet < 3 && !this.load.isAbandoned; ) {
			const since = this.cursor ? `&cursor=${this.cursor}` : "";
			const answer = await client.request(`GET /users/${this.user.id}/sync?limit=200${since}`).catch(() => undefined);
			if (answer?.status === 410) this.startOver();
			if (answer?.status !== 200) {
				await pause(50);
				continue;
			}
			this.take(answer.body);
			this.cursor = answer.body.cursor;
			if (this.load.reading) await pause(50);
			else if (!answer.body.more && !answer.body.incomplete && answer.body.messages.length === 0) quiet++;
		}
	}
}

class SyncReader extends Reader {
	async run() {
		const client = new Client(this.load.url);
		await this.finish(client);
		client.close();
	}
}

class StreamReader extends Reader {
	async run() {
		while (this.load.reading) {
			const headers = this.cursor === undefined ? {} : { "last-event-id": this.cursor };
			const stream = await EventStream.open(this.load.url, `/users/${this.user.id}/events`, { headers, timeout: 5000 }).catch(() => undefined);
			if (stream?.status === 410) this.startOver();
			if (stream?.status === 200) await this.#follow(stream);
			await pause(50);
		}
		// Fetch the rest by sync with the same cursor, as an app does after it was asleep.
		const client = new Client(this.load.url);
		await this.finish(client);
		client.close();
	}

	async #follow(stream) {
		let taken = 0;
		const take = () => {
			for (; taken < stream.events.length; taken++) {
				const { event, data } = stream.events[taken];
				if (event === "gone") return this.startOver();
				this.take(data);
			}
			this.cursor = stream.lastId ?? this.cursor;
		};
		while (!stream.closed && this.load.reading) {
			take();
			await pause(10);
		}
		take();
		stream.request.destroy();
	}
}
