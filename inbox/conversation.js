// One conversation: messages in few nodes, a match in its context, the case. A message that could not be sent stays, with a button
// that sends it again under the same key.

import { all, call, newKey } from "./api.js";
import { announce, ask, button, clock, dayName, dayNumber, emit, marked, minorUnits, money, node, Pages, shortTime, timeNode, whenNear } from "./dom.js";
import { words } from "./words.js";

const pageSize = 50;
const contextBefore = 25;

// What the ledger writes. Only transfer_id makes a message a receipt; its text never does.
const receipt = /^paid ([\d.]+) ([A-Z]{3})(?:: ([^]*))?$/;

export class Conversation extends HTMLElement {
	connectedCallback() {
		this.heading = node("h2", { dir: "auto", tabIndex: -1 });
		this.caseBar = node("div.case", { "aria-label": words.caseOf, role: "group" });
		this.rowsNode = node("div.rows", { role: "log", "aria-label": words.conversations, "aria-live": "off" });
		this.pending = node("div.pending");
		this.older = node("div.more");
		this.newer = node("div.more");
		this.scroller = node("div.scroller", { tabIndex: 0 }, this.older, this.rowsNode, this.pending, this.newer);
		this.toNewest = button(words.newest, () => this.open(this.id_), "newest", { hidden: true });
		this.input = node("textarea", { rows: 2, placeholder: words.reply, "aria-label": words.reply, "aria-keyshortcuts": "r", maxLength: 10000, dir: "auto",
			onkeydown: (event) => {
				if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
					event.preventDefault();
					this.#submit();
				}
			} });
		this.form = node("form.reply", { onsubmit: (event) => {
			event.preventDefault();
			this.#submit();
		} }, this.input, node("button.primary", { type: "submit" }, words.send));
		this.empty = node("p.empty", {}, words.pick);
		this.body = node("div.body", { hidden: true },
			node("div.bar", {}, node("a.back", { href: "#", "aria-label": words.back }, "‹"), this.heading, this.caseBar),
			this.scroller, this.toNewest, this.form);
		this.append(this.empty, this.body);
		this.pages = new Pages(this.scroller, this.rowsNode, (rows, page) => this.#rows(rows, page));
		this.drafts = new Map();
		this.waiting = new Map();
		this.agents = new Map();
		this.checks = ["older", "newer"].map((end) => whenNear(this.scroller, this[end], () => this.#load(end)));
	}

	close() {
		this.#keepDraft();
		this.id_ = this.shown = null;
		this.asking?.abort();
		this.body.hidden = true;
		this.empty.hidden = false;
	}

	#keepDraft() {
		if (this.id_) this.drafts.set(this.id_, this.input.value);
	}

	// Opens a conversation at its end, or centered on a message.
	async open(id, message = null, term = "") {
		if (this.id_ !== id) {
			this.#keepDraft();
			this.input.value = this.drafts.get(id) ?? "";
		}
		this.asking?.abort();
		const asking = this.asking = new AbortController();
		const { signal } = asking;
		this.id_ = id;
		this.shown = null;
		this.target = message;
		this.term = term;
		this.ends = { older: true, newer: true };
		try {
			const conversation = await all(`GET /conversations/${id}`, { signal });
			let messages = conversation.messages.reverse();
			if (message !== null && !messages.some((row) => row.message_id === message))
				messages = await all(`GET /conversations/${id}/messages`, { query: { last_id: Math.max(0, message - contextBefore - 1), limit: pageSize }, signal });
			this.#show(conversation, messages);
			await this.#markRead();
		} catch (error) {
			if (error.name === "AbortError") return;
			this.body.hidden = true;
			this.empty.hidden = false;
			this.empty.textContent = error.message;
		}
	}

	#show(conversation, messages) {
		this.shown = conversation.id;
		this.#showPeople(conversation);
		this.pages.clear();
		this.pending.replaceChildren(...(this.waiting.get(conversation.id) ?? []));
		this.empty.hidden = true;
		this.body.hidden = false;
		this.ends.older = (messages[0]?.message_id ?? 1) > 1;
		this.ends.newer = (messages.at(-1)?.message_id ?? 0) < (conversation.last_message_id ?? 0);
		this.toNewest.hidden = !this.ends.newer;
		if (messages.length > 0) this.pages.add(messages);
		this.#showCase(conversation.case);
		const target = this.target !== null && this.rowsNode.querySelector(`[data-message="${this.target}"]`);
		if (target) target.scrollIntoView({ block: "center" });
		else this.scroller.scrollTop = this.scroller.scrollHeight;
		requestAnimationFrame(() => this.#checkEnds());
		emit(this, "opened", conversation);
	}

	#checkEnds() {
		for (const check of this.checks) check();
	}

	#showPeople({ participants }) {
		this.people = new Map(participants.map((person) => [person.id, person]));
		this.heading.textContent = participants.map((person) => person.name ?? person.identifier ?? words.noName).join(", ");
	}

	// Returns true if there may be more.
	async #load(end) {
		const id = this.shown;
		if (!id || !this.ends[end] || this.loading || this.pages.pages.length === 0) return false;
		this.loading = true;
		const { rows } = this.pages;
		const query = end === "older" ? { last_id: rows[0].message_id, sort: "desc" } : { last_id: rows.at(-1).message_id, sort: "asc" };
		try {
			const messages = await all(`GET /conversations/${id}/messages`, { query: { ...query, limit: pageSize }, signal: this.asking.signal });
			if (id !== this.shown) return false;
			if (end === "older") messages.reverse();
			this.ends[end] = messages.length === pageSize && (end === "newer" || messages[0].message_id > 1);
			this.toNewest.hidden = !this.ends.newer;
			if (messages.length > 0) this.pages.add(messages, { first: end === "older" });
			return this.ends[end];
		} catch {
			setTimeout(() => this.#checkEnds(), 1000);
			return false;
		} finally {
			this.loading = false;
		}
	}

	// Takes in messages that are new, even between others, or changed.
	take(messages) {
		const changed = new Set();
		const { scrollHeight, scrollTop, clientHeight } = this.scroller;
		for (const message of messages) {
			if (message.conversation_id !== this.shown) continue;
			const known = this.pages.find((row) => row.message_id === message.message_id);
			if (!known) changed.add(this.#insert(message));
			else if (JSON.stringify(known.page.rows[known.place]) !== JSON.stringify(message)) {
				known.page.rows[known.place] = message;
				changed.add(known.page);
			}
		}
		for (const page of changed) if (page) this.pages.refresh(page);
		if (scrollHeight - scrollTop - clientHeight < 80) this.scroller.scrollTop = this.scroller.scrollHeight;
		this.#markRead();
	}

	// Returns the page to redraw.
	#insert(message) {
		const { message_id, sender_id, content } = message;
		const { pages } = this.pages;
		const page = pages.findLast(({ rows }) => rows[0].message_id < message_id);
		const place = page?.rows.findIndex((row) => row.message_id > message_id) ?? -1;
		if ((!page && pages.length > 0) || (this.ends.newer && page === pages.at(-1) && place < 0)) return null;
		if (sender_id !== null && content !== null) announce(words.newMessage(this.#author(message), content));
		if (place >= 0) page.rows.splice(place, 0, message);
		else if (page?.rows.length < pageSize) page.rows.push(message);
		else return this.pages.add([message]);
		return page;
	}

	async #markRead() {
		const id = this.shown;
		const last = this.pages.rows.at(-1)?.message_id;
		const place = `${id}/${last}`;
		if (!id || !last || document.hidden || place === this.readUpTo) return;
		this.readUpTo = place;
		try {
			await call(`PUT /conversations/${id}/read`, { body: { message_id: last } });
			emit(this, "read", id);
		} catch { /* it is read with the next message */ }
	}

	#author(message) {
		if (message.sender_id !== null) {
			const person = this.people.get(message.sender_id);
			return person?.name ?? person?.identifier ?? words.noName;
		}
		return this.agents.get(message.agent_id)?.name ?? words.operator;
	}

	#rows(rows, page) {
		const place = this.pages?.pages.indexOf(page) ?? -1;
		let day = place > 0 ? dayNumber(this.pages.pages[place - 1].rows.at(-1).created_at) : null;
		const nodes = [];
		for (const message of rows) {
			if (dayNumber(message.created_at) !== day) {
				day = dayNumber(message.created_at);
				nodes.push(node("h3.day", {}, dayName(message.created_at)));
			}
			nodes.push(this.#message(message));
		}
		return nodes;
	}

	#message(message) {
		const own = message.sender_id === null;
		const deleted = message.deleted_at !== null;
		const paid = message.transfer_id === null ? null : receipt.exec(message.content);
		const text = paid ? paid[3] : message.content;
		const classes = [own ? "own" : "theirs", deleted && "deleted", paid && "receipt", message.message_id === this.target && "target"];
		const content = deleted ? node("p", {}, words.removed)
			: text ? node("p", { dir: "auto" }, ...marked(text, { term: this.term })) : null;
		const horizon = own && [...this.people.values()].find((person) => person.read_message_id === message.message_id);
		return node(["article.message", ...classes.filter(Boolean)].join("."), { "data-message": message.message_id, id: `message-${message.message_id}` },
			paid ? node("p", {}, words.receipt, " ", node("strong.amount", {}, money(minorUnits(paid[1], paid[2]), paid[2]))) : null,
			content,
			node("footer", {}, node("span", { dir: "auto" }, this.#author(message)), " · ", timeNode(message.created_at, clock(message.created_at)),
				message.edited_at && !deleted ? ` · ${words.edited}` : null,
				horizon ? ` · ${words.readBy(horizon.name ?? horizon.identifier)}` : null,
				own && !deleted ? node("span.tools", {},
					button(words.edit, () => this.#edit(message), "link"),
					button(words.remove, () => this.#remove(message), "link")) : null));
	}

	#edit(message) {
		const line = `PUT /conversations/${message.conversation_id}/messages/${message.message_id}`;
		return ask(words.edit, [{ name: "content", label: words.reply, value: message.content, rows: 5, required: true }],
			{ check: async (given) => this.take([await all(line, { body: given })]) });
	}

	#remove(message) {
		const line = `DELETE /conversations/${message.conversation_id}/messages/${message.message_id}`;
		return ask(words.remove, [], { note: words.reallyRemove, confirm: words.remove, check: async () => {
			await call(line);
			this.take([{ ...message, content: null, deleted_at: new Date().toISOString() }]);
		} });
	}

	#submit() {
		const content = this.input.value.trim();
		if (content === "") return;
		this.input.value = "";
		this.drafts.delete(this.id_);
		this.#send(this.id_, content, newKey());
	}

	async #send(id, content, key) {
		const state = node("footer", {}, words.sending);
		const waiting = node("article.message.own.waiting", {}, node("p", { dir: "auto" }, content), state);
		this.waiting.set(id, (this.waiting.get(id) ?? new Set()).add(waiting));
		if (id === this.id_) this.pending.append(waiting);
		this.scroller.scrollTop = this.scroller.scrollHeight;
		const again = async () => {
			state.replaceChildren(words.sending);
			try {
				const message = await all(`POST /conversations/${id}/messages`, { body: { content }, key });
				waiting.remove();
				this.waiting.get(id).delete(waiting);
				if (this.ends.newer && id === this.id_) await this.open(id);
				else this.take([message]);
				emit(this, "sent", message);
			} catch (error) {
				state.replaceChildren(words.notSent(error.message) + " ", button(words.again, again, "link"));
			}
		};
		await again();
	}

	#showCase(state) {
		this.case = state;
		this.caseBar.hidden = !state;
		if (!state) return;
		const put = (change) => this.changeCase(change);
		const assignee = node("select", { "aria-label": words.filters.assignee_id, onchange: () => put({ assignee_id: Number(assignee.value) }) },
			node("option", { value: "0" }, words.nobody),
			...[...this.agents.values()].filter((agent) => agent.disabled_at === null || agent.id === state.assignee_id).map((agent) => node("option", { value: agent.id }, agent.name)));
		assignee.value = String(state.assignee_id ?? 0);
		assignee.setAttribute("aria-keyshortcuts", "a");
		const labels = node("input", { type: "text", value: (state.labels ?? []).join(", "), "aria-label": words.labels, "aria-keyshortcuts": "l", placeholder: words.filters.label, dir: "auto",
			onchange: () => put({ labels: labels.value.split(",").map((label) => label.trim()).filter(Boolean) }) });
		// Keep the focus for those who choose with arrow keys.
		const focused = this.fields?.indexOf(document.activeElement);
		this.caseBar.replaceChildren(...[
			node("span.tag", {}, state.status === "snoozed" ? words.snoozedUntil(shortTime(state.snoozed_until)) : words.statuses[state.status]),
			button(state.status === "open" ? words.resolve : words.reopen, () => this.toggle(), "", { "aria-keyshortcuts": "e" }),
			state.status === "open" ? button(words.snooze, () => this.snooze(), "", { "aria-keyshortcuts": "s" }) : null,
			assignee, labels].filter(Boolean));
		this.fields = [assignee, labels];
		this.fields[focused]?.focus();
	}

	showAgents(agents) {
		this.agents = agents;
		if (this.case) this.#showCase(this.case);
		for (const page of this.pages.pages) this.pages.refresh(page);
	}

	snooze() {
		const tomorrow = new Date();
		tomorrow.setDate(tomorrow.getDate() + 1);
		tomorrow.setHours(9, 0, 0, 0);
		if (this.case?.status === "open") return this.changeCase({ status: "snoozed", snoozed_until: tomorrow.toISOString() });
	}

	toggle() {
		if (this.case) return this.changeCase({ status: this.case.status === "open" ? "resolved" : "open" });
	}

	// One change after another, or an earlier one could be the last to arrive. Only the last one's response is shown.
	changeCase(change) {
		const id = this.id_;
		const turn = this.turn = Promise.resolve(this.turn).then(async () => {
			try {
				const state = await all(`PUT /conversations/${id}/case`, { body: change });
				if (id === this.id_ && turn === this.turn) this.#showCase(state);
				announce(words.statuses[state.status]);
				emit(this, "changed", id);
			} catch (error) {
				announce(error.message);
			}
			if (turn === this.turn) this.turn = null;
		});
		return turn;
	}

	async refreshCase() {
		const id = this.shown;
		if (!id) return;
		const conversation = await all(`GET /conversations/${id}`).catch(() => null);
		if (conversation && id === this.shown) {
			const messages = conversation.messages.reverse();
			if (!this.ends.newer && messages[0]?.message_id > (this.pages.rows.at(-1)?.message_id ?? 0) + 1) return this.open(id);
			const people = JSON.stringify([...this.people.values()]);
			this.#showPeople(conversation);
			if (!this.turn && JSON.stringify(conversation.case) !== JSON.stringify(this.case)) this.#showCase(conversation.case);
			if (JSON.stringify(conversation.participants) !== people) for (const page of this.pages.pages) this.pages.refresh(page);
			this.take(messages);
		}
	}
}

customElements.define("parley-conversation", Conversation);
