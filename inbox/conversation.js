// One conversation: its messages in few nodes, older ones on scrolling up, a match in its context; replying, editing, deleting;
// the case. A message that could not be sent stays, with a button that sends it again under the same key.

import { all, call, newKey } from "./api.js";
import { announce, ask, clock, dayName, dayNumber, marked, money, node, Pages, shortTime, timeNode, whenNear } from "./dom.js";
import { words } from "./words.js";

const pageSize = 50;
const contextBefore = 25;

export class Conversation extends HTMLElement {
	connectedCallback() {
		this.title = "";
		this.heading = node("h2", { dir: "auto", tabIndex: -1 });
		this.caseBar = node("div.case", { "aria-label": words.caseOf, role: "group" });
		this.rowsNode = node("div.rows", { role: "log", "aria-label": words.conversations, "aria-live": "off" });
		this.pending = node("div.pending");
		this.older = node("div.more");
		this.newer = node("div.more");
		this.scroller = node("div.scroller", { tabIndex: 0 }, this.older, this.rowsNode, this.pending, this.newer);
		this.toNewest = node("button.newest", { type: "button", hidden: true, onclick: () => this.open(this.id_) }, words.newest);
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
		whenNear(this.scroller, this.older, () => this.#load("older"));
		whenNear(this.scroller, this.newer, () => this.#load("newer"));
	}

	close() {
		this.#keepDraft();
		this.id_ = null;
		this.asking?.abort();
		this.body.hidden = true;
		this.empty.hidden = false;
	}

	#keepDraft() {
		if (this.id_) this.drafts.set(this.id_, this.input.value);
	}

	// Opens a conversation at its end, or with a message in the middle of what is shown.
	async open(id, message = null, term = "") {
		if (this.id_ !== id) {
			this.#keepDraft();
			this.input.value = this.drafts.get(id) ?? "";
		}
		this.asking?.abort();
		const asking = this.asking = new AbortController();
		const { signal } = asking;
		this.id_ = id;
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
		this.conversation = conversation;
		this.people = new Map(conversation.participants.map((person) => [person.id, person]));
		const who = conversation.participants.map((person) => person.name ?? person.identifier ?? words.noName).join(", ");
		this.heading.textContent = who;
		this.pages.clear();
		this.pending.replaceChildren();
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
		this.dispatchEvent(new CustomEvent("opened", { bubbles: true, detail: conversation }));
	}

	// True where there may be more.
	async #load(end) {
		if (!this.ends?.[end] || this.loading || this.pages.pages.length === 0 || this.body.hidden) return false;
		this.loading = true;
		const id = this.id_;
		const { rows } = this.pages;
		const query = end === "older" ? { last_id: rows[0].message_id, sort: "desc" } : { last_id: rows.at(-1).message_id, sort: "asc" };
		try {
			const messages = await all(`GET /conversations/${id}/messages`, { query: { ...query, limit: pageSize }, signal: this.asking.signal });
			if (id !== this.id_) return false;
			if (end === "older") messages.reverse();
			this.ends[end] = messages.length === pageSize && (end === "newer" || messages[0].message_id > 1);
			this.toNewest.hidden = !this.ends.newer;
			if (messages.length > 0) this.pages.add(messages, { first: end === "older" });
			return this.ends[end];
		} catch {
			return false; // scrolling on asks again
		} finally {
			this.loading = false;
		}
	}

	// News of this conversation: messages that came, or that changed.
	take(messages) {
		for (const message of messages) {
			if (message.conversation_id !== this.id_ || !this.pages) continue;
			const known = this.pages.find((row) => row.message_id === message.message_id);
			if (known) {
				known.page.rows[known.place] = message;
				this.pages.refresh(known.page);
			} else if (!this.ends.newer && message.message_id > (this.pages.rows.at(-1)?.message_id ?? 0)) this.#append(message);
		}
	}

	#append(message) {
		const atEnd = this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < 80;
		const last = this.pages.pages.at(-1);
		if (last && last.rows.length < pageSize) {
			last.rows.push(message);
			this.pages.refresh(last);
		} else this.pages.add([message]);
		if (atEnd) this.scroller.scrollTop = this.scroller.scrollHeight;
		if (message.sender_id !== null && message.content !== null) announce(words.newMessage(this.#author(message), message.content));
		this.#markRead();
	}

	async #markRead() {
		const last = this.pages.rows.at(-1)?.message_id;
		if (!last || document.hidden || last === this.readUpTo?.[this.id_]) return;
		this.readUpTo = { [this.id_]: last };
		try {
			await call(`PUT /conversations/${this.id_}/read`, { body: { message_id: last } });
			this.dispatchEvent(new CustomEvent("read", { bubbles: true, detail: this.id_ }));
		} catch { /* it is read with the next message */ }
	}

	#author(message) {
		if (message.sender_id !== null) {
			const person = this.people.get(message.sender_id);
			return person?.name ?? person?.identifier ?? words.noName;
		}
		return (message.agent_id && this.agents?.get(message.agent_id)?.name) || words.operator;
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
		const classes = [own ? "own" : "theirs", deleted && "deleted", message.transfer && "receipt", message.message_id === this.target && "target"];
		const content = deleted ? node("p", {}, words.removed)
			: node("p", { dir: "auto" }, ...marked(message.content, { term: this.term }));
		const horizon = own && [...this.people.values()].find((person) => person.read_message_id === message.message_id);
		return node(["article.message", ...classes.filter(Boolean)].join("."), { "data-message": message.message_id, id: `message-${message.message_id}` },
			message.transfer ? node("strong.amount", {}, `${words.receipt}: ${money(message.transfer.amount, message.transfer.currency)}`) : null,
			content,
			node("footer", {}, node("span", { dir: "auto" }, this.#author(message)), " · ", timeNode(message.created_at, clock(message.created_at)),
				message.edited_at && !deleted ? ` · ${words.edited}` : null,
				horizon ? ` · ${words.readBy(horizon.name ?? horizon.identifier)}` : null,
				own && !deleted && !message.transfer ? node("span.tools", {},
					node("button.link", { type: "button", onclick: () => this.#edit(message) }, words.edit),
					node("button.link", { type: "button", onclick: () => this.#remove(message) }, words.remove)) : null));
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
		if (id === this.id_) this.pending.append(waiting);
		this.scroller.scrollTop = this.scroller.scrollHeight;
		const again = async () => {
			state.replaceChildren(words.sending);
			try {
				const message = await all(`POST /conversations/${id}/messages`, { body: { content }, key });
				waiting.remove();
				if (this.ends.newer && id === this.id_) await this.open(id);
				else this.take([message]);
				this.dispatchEvent(new CustomEvent("sent", { bubbles: true, detail: message }));
			} catch (error) {
				state.replaceChildren(words.notSent(error.message) + " ", node("button.link", { type: "button", onclick: again }, words.again));
			}
		};
		await again();
	}

	#showCase(state) {
		this.case = state ?? null;
		if (!state) {
			this.caseBar.replaceChildren();
			return;
		}
		const put = (change) => this.changeCase(change);
		const assignee = node("select", { "aria-label": words.assignee, onchange: () => put({ assignee_id: Number(assignee.value) }) },
			node("option", { value: "0" }, words.nobody),
			...[...(this.agents ?? new Map()).values()].map((agent) => node("option", { value: agent.id }, agent.name)));
		assignee.value = String(state.assignee_id ?? 0);
		const labels = node("input", { type: "text", value: (state.labels ?? []).join(", "), "aria-label": words.labels, placeholder: words.label,
			onchange: () => put({ labels: labels.value.split(",").map((label) => label.trim()).filter(Boolean) }) });
		const tomorrow = new Date();
		tomorrow.setDate(tomorrow.getDate() + 1);
		tomorrow.setHours(9, 0, 0, 0);
		this.caseBar.replaceChildren(
			node("span.tag." + state.status, {}, state.status === "snoozed" ? words.snoozedUntil(shortTime(state.snoozed_until)) : words.statuses[state.status]),
			node("button", { type: "button", "aria-keyshortcuts": "e", onclick: () => this.toggle() }, state.status === "open" ? words.resolve : words.reopen),
			state.status === "open" ? node("button", { type: "button", onclick: () => put({ status: "snoozed", snoozed_until: tomorrow.toISOString() }) }, words.snooze) : null,
			assignee, labels);
	}

	showAgents(agents) {
		this.agents = agents;
		if (this.case) this.#showCase(this.case);
	}

	toggle() {
		if (this.case) return this.changeCase({ status: this.case.status === "open" ? "resolved" : "open" });
	}

	async changeCase(change) {
		const id = this.id_;
		try {
			const state = await all(`PUT /conversations/${id}/case`, { body: change });
			if (id === this.id_) this.#showCase(state);
			announce(words.statuses[state.status]);
			this.dispatchEvent(new CustomEvent("changed", { bubbles: true, detail: id }));
		} catch (error) {
			announce(error.message);
		}
	}

	async refreshCase() {
		if (!this.id_) return;
		const id = this.id_;
		const conversation = await all(`GET /conversations/${id}`).catch(() => null);
		if (conversation && id === this.id_) {
			this.people = new Map(conversation.participants.map((person) => [person.id, person]));
			if (JSON.stringify(conversation.case) !== JSON.stringify(this.case)) this.#showCase(conversation.case);
			this.take(conversation.messages.reverse());
		}
	}
}

customElements.define("parley-conversation", Conversation);
