// A bounded run of clients that do everything users do in chats. Every response is remembered, and afterwards compared with the
// database: each acknowledged message must be there once, as it was last changed, and everyone who followed it by sync must have
// seen it.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { psql } from "./database.mjs";
import { phone, word } from "./people.mjs";

const pick = (list) => list[randomInt(list.length)];

// What sync has told one user, message by message.
class Follower {
	constructor(user, cursor, seen = new Map()) {
		Object.assign(this, { user, cursor, seen });
	}

	// The same user with the same cursor, to be resumed later.
	fork() {
		return new Follower(this.user, this.cursor, new Map(this.seen));
	}

	// Makes one request. Returns whether there is more.
	async step(load) {
		const query = this.cursor === undefined ? "" : `&cursor=${this.cursor}`;
		const { body } = await load.expect([200], `GET /users/${this.user.id}/sync?limit=100${query}`);
		for (const message of body.messages) this.seen.set(`${message.conversation_id}/${message.message_id}`, message.content);
		this.cursor = body.cursor;
		return body.more;
	}

	async finish(load) {
		while (await this.step(load));
	}
}

export class ChatLoad {
	// clients: where to send requests; each is used by one worker
	constructor(clients) {
		this.clients = clients;
		this.users = [];
		this.conversations = new Map(); // id → its two users
		this.posted = new Map(); // "conversation/number" → { key, content }, as acknowledged
		this.replayed = 0;
	}

	async expect(statuses, line, body, headers, client = pick(this.clients)) {
		const answer = await client.request(line, body, headers);
		assert.ok(statuses.includes(answer.status), `${line}: ${answer.status} ${JSON.stringify(answer.body)}`);
		return answer;
	}

	// Creates the users and their first conversations, from all clients concurrently.
	async begin(userCount) {
		await Promise.all(Array.from({ length: userCount }, () => this.createUser()));
		await Promise.all(this.clients.map(() => this.openConversation()));
		this.followers = this.users.slice(0, 4).map((user) => new Follower(user));
	}

	// Each client makes this many requests. The followers follow meanwhile.
	async run(operations) {
		let working = this.clients.length;
		const follow = async (follower) => {
			while (working > 0) await follower.step(this);
		};
		const work = async (client) => {
			const mine = [];
			for (let n = 0; n < operations; n++) await this.operate(client, mine);
			working--;
		};
		await Promise.all([...this.clients.map(work), ...this.followers.map(follow)]);
	}

	async operate(client, mine) {
		const kinds = [
			[40, () => this.post(client, mine)], [8, () => this.replay(client, mine)], [8, () => this.edit(client, mine)],
			[5, () => this.delete(client, mine)], [8, () => this.read(client)], [8, () => this.list(client)],
			[8, () => this.listConversations(client)], [5, () => this.search(client)], [6, () => this.openConversation()],
			[4, () => this.createUser()],
		];
		let place = randomInt(100);
		for (const [share, operation] of kinds) if ((place -= share) < 0) return operation();
	}

	// If a registration was executed and then repeated, the repetition finds the phone taken.
	async createUser() {
		const body = { phone: phone(), name: word() };
		const answer = await this.expect([201, 409], "POST /users", body);
		if (answer.status === 201) this.users.push(answer.body);
		else assert.ok(answer.repeated, "the phone of a first registration is taken");
	}

	// Both sides do this concurrently.
	async openConversation() {
		const low = pick(this.users);
		const high = pick(this.users.filter((user) => user !== low));
		const open = (from, to) => this.expect([200, 201], `POST /users/${from.id}/conversations`, { recipient_id: to.id });
		const [one, other] = await Promise.all([open(low, high), open(high, low)]);
		assert.deepEqual(one.body, other.body);
		if (!one.repeated && !other.repeated) assert.ok(one.status === 200 || other.status === 200, "one conversation was made twice");
		this.conversations.set(one.body.id, [low, high]);
	}

	place() {
		const [id, users] = pick([...this.conversations]);
		const user = pick(users);
		return { id, user, path: `/users/${user.id}/conversations/${id}` };
	}

	async post(client, mine) {
		const { id, path } = this.place();
		const message = { path: `${path}/messages`, key: word(), first: `${word()} hello`, place: undefined };
		const { body } = await this.send(client, message);
		message.place = `${id}/${body.message_id}`;
		assert.ok(!this.posted.has(message.place), `message ${message.place} was acknowledged twice`);
		this.posted.set(message.place, { key: message.key, content: message.first });
		mine.push(message);
	}

	send(client, message) {
		return this.expect([201], "POST " + message.path, { content: message.first }, { "idempotency-key": message.key }, client);
	}

	async replay(client, mine) {
		if (mine.length === 0) return;
		const message = pick(mine);
		const answer = await this.send(client, message);
		assert.equal(answer.headers["idempotency-replayed"], "true");
		assert.equal(`${answer.body.conversation_id}/${answer.body.message_id}`, message.place);
		// Whatever became of the message since, the first response is repeated.
		assert.equal(answer.body.content, message.first);
		this.replayed++;
	}

	async edit(client, mine) {
		if (mine.length === 0) return;
		const message = pick(mine);
		const content = word();
		const target = `PUT ${message.path}/${message.place.split("/")[1]}`;
		const posted = this.posted.get(message.place);
		if (posted.content === null) return this.expect([409], target, { content }, {}, client);
		await this.expect([200], target, { content }, {}, client);
		posted.content = content;
	}

	async delete(client, mine) {
		if (mine.length === 0) return;
		const message = pick(mine);
		await this.expect([204], `DELETE ${message.path}/${message.place.split("/")[1]}`, undefined, {}, client);
		this.posted.get(message.place).content = null;
	}

	async read(client) {
		const { path } = this.place();
		const [newest] = (await this.expect([200], `GET ${path}/messages?sort=desc&limit=1`, undefined, {}, client)).body;
		if (newest === undefined) return;
		const { body } = await this.expect([200], `PUT ${path}/read`, { message_id: newest.message_id }, {}, client);
		assert.ok(body.read >= newest.message_id);
	}

	async list(client) {
		const { body } = await this.expect([200], `GET ${this.place().path}/messages?limit=50`, undefined, {}, client);
		assert.deepEqual(body.map((message) => message.message_id), body.map((_, index) => index + 1));
	}

	async listConversations(client) {
		await this.expect([200], `GET /users/${this.place().user.id}/conversations`, undefined, {}, client);
	}

	async search(client) {
		const user = pick(this.users);
		await this.expect([200], `GET /users/${user.id}/conversations?searchValue=hello`, undefined, {}, client);
		await this.expect([200], `GET /conversations?searchValue=${user.name}&limit=5`, undefined, {}, client);
	}

	// The messages of this load's conversations in the database: "conversation/number" → { key, content }.
	async stored(env) {
		const rows = await psql("parley", `
			SELECT json_agg(json_build_array(m.conversation_id || '/' || m.number, m.idempotency_key, m.content))
			FROM parley.messages m WHERE m.conversation_id IN (${[...this.conversations.keys()]})`, env);
		return new Map(JSON.parse(rows).map(([place, key, content]) => [place, { key, content }]));
	}

	async audit(env, followers = this.followers) {
		const stored = await this.stored(env);
		assert.deepEqual([...stored].sort(), [...this.posted].sort(), "what is stored is what was acknowledged");
		const users = this.users.map((user) => user.id);
		assert.equal(await psql("parley", `SELECT count(*) FROM parley.contacts WHERE id IN (${users})`, env), String(users.length));
		for (const follower of followers) {
			await follower.finish(this);
			const visible = await psql("parley", `SELECT conversation_id FROM parley.members WHERE contact_id = ${follower.user.id}`, env);
			const expected = [...stored].filter(([place]) => visible.split("\n").includes(place.split("/")[0]));
			assert.deepEqual([...follower.seen].sort(), expected.map(([place, { content }]) => [place, content]).sort(),
				`what user ${follower.user.id} was told by sync is what is stored`);
		}
	}

	close() {
		for (const client of this.clients) client.close();
	}
}
