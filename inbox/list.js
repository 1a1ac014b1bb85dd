// The list of conversations: newest first, searched as you type, filtered, in few nodes.

import { all, call } from "./api.js";
import { announce, button, emit, marked, node, Pages, shortTime, whenNear } from "./dom.js";
import { words } from "./words.js";

const typingPause = 60;
const pageSize = 50;

// Named as in the API.
export const filterNames = ["status", "assignee_id", "unread", "sender", "label"];

export class ConversationList extends HTMLElement {
	connectedCallback() {
		this.search = node("input", { type: "search", placeholder: words.search, "aria-label": words.search, "aria-keyshortcuts": "/",
			maxLength: 1000, oninput: () => this.#typed() });
		this.start = button("+", () => emit(this, "start"), "", { title: words.newConversation, "aria-label": words.newConversation, "aria-keyshortcuts": "n" });
		this.fields = Object.fromEntries(filterNames.map((name) => [name, this.#field(name)]));
		const filters = node("div.filters", { role: "group", "aria-label": words.filter }, ...Object.values(this.fields));
		this.rowsNode = node("div.rows", { role: "list", "aria-label": words.conversations });
		this.state = node("p.state", { role: "status" });
		this.more = node("div.more");
		this.scroller = node("div.scroller", { tabIndex: -1 }, this.rowsNode, this.state, this.more);
		this.append(node("form.search", { role: "search", onsubmit: (event) => event.preventDefault() }, this.search, this.start, filters), this.scroller);
		this.pages = new Pages(this.scroller, this.rowsNode, (rows) => rows.map((row) => this.#row(row)));
		whenNear(this.scroller, this.more, () => this.#loadMore());
		this.agents = new Map();
	}

	// A field that does not filter shows its name.
	#field(name) {
		const title = words.filters[name];
		const properties = { "aria-label": title, onchange: () => this.#changed() };
		if (name === "label") return node("input", { type: "text", maxLength: 50, placeholder: title, ...properties });
		const choices = { status: words.statuses, assignee_id: { 0: words.nobody }, unread: words.unreadOrNot, sender: words.senders }[name];
		return node("select", properties, ...Object.entries({ "": title, ...choices }).map(([value, text]) => node("option", { value }, text)));
	}

	showAgents(agents) {
		this.agents = new Map(agents.map((agent) => [agent.id, agent]));
		const field = this.fields.assignee_id;
		field.replaceChildren(...[...field.options].slice(0, 2), ...agents.map((agent) => node("option", { value: agent.id }, agent.name)));
		field.value = this.wanted?.assignee_id ?? "";
		for (const page of this.pages.pages) this.pages.refresh(page);
	}

	// Updates unread and the case of rows wherever they are in the list.
	tell(news) {
		for (const { conversation_id, unread, case: state } of news) {
			const found = this.pages.find((row) => row.conversation_id === conversation_id);
			if (!found) continue;
			Object.assign(found.page.rows[found.place], { ...state, unread });
			this.pages.refresh(found.page);
		}
	}

	#typed() {
		clearTimeout(this.timer);
		this.timer = setTimeout(() => this.#changed(), typingPause);
	}

	#changed() {
		const filters = Object.entries(this.fields).map(([name, field]) => [name, field.value.trim()]);
		emit(this, "filter", { q: this.search.value, ...Object.fromEntries(filters) });
	}

	// Shows what the address says; requests only if that has changed.
	async show(wanted) {
		const key = JSON.stringify(["q", ...filterNames].map((name) => wanted[name]));
		if (key === this.key) return;
		this.key = key;
		this.wanted = wanted;
		if (document.activeElement !== this.search) this.search.value = wanted.q;
		this.query = { searchValue: wanted.q, limit: pageSize };
		for (const name of filterNames) {
			this.fields[name].value = wanted[name];
			this.query[name] = wanted[name];
		}
		await this.reload();
	}

	#ask(more) {
		return call("GET /conversations", { query: { ...this.query, ...more }, signal: this.asking.signal });
	}

	// Loads from the top. The old rows stay until the new ones arrive.
	async reload() {
		this.asking?.abort();
		const asking = this.asking = new AbortController();
		this.setAttribute("aria-busy", "true");
		try {
			const answer = await this.#ask();
			this.pages.clear();
			this.scroller.scrollTop = 0;
			this.#take(answer);
			if (answer.data.length === 0) this.#say(this.wanted.q ? words.noMatches(this.wanted.q) : words.noConversations);
			else if (this.wanted.q) this.#offerCount();
			else this.#say();
			if (this.wanted.q) announce(words.matches(answer.data.length));
		} catch (error) {
			if (error.name !== "AbortError") this.#fail(error, () => this.reload());
		} finally {
			if (this.asking === asking) this.removeAttribute("aria-busy");
		}
	}

	#take(answer) {
		this.cursor = answer.cursor;
		if (answer.data.length > 0) this.pages.add(answer.data);
	}

	// Returns true if there may be more.
	async #loadMore() {
		if (!this.cursor || this.loadingMore) return false;
		this.loadingMore = true;
		const { key } = this;
		try {
			const answer = await this.#ask({ cursor: this.cursor });
			if (key === this.key) this.#take(answer);
			return this.cursor !== null;
		} catch (error) {
			if (error.name !== "AbortError") this.#fail(error, () => this.#loadMore());
			return false;
		} finally {
			this.loadingMore = false;
		}
	}

	// Loads the first page again. Old rows that come after it stay.
	async refresh() {
		if (!this.query || this.refreshing) {
			this.refreshAgain = Boolean(this.query);
			return;
		}
		this.refreshing = true;
		const { key } = this;
		try {
			const answer = await this.#ask();
			if (key === this.key) this.#merge(answer);
		} catch { /* the next news retries */ }
		this.refreshing = false;
		if (this.refreshAgain) {
			this.refreshAgain = false;
			setTimeout(() => this.refresh(), 100);
		}
	}

	#merge(answer) {
		if (this.pages.pages.length === 0) {
			this.#take(answer);
			return;
		}
		const fresh = new Set(answer.data.map((row) => row.conversation_id));
		const end = answer.cursor ? Date.parse(answer.data.at(-1).timestamp) : -Infinity;
		for (const [place, page] of this.pages.pages.entries()) {
			const kept = page.rows.filter((row) => !fresh.has(row.conversation_id) && Date.parse(row.timestamp) <= end);
			if (place > 0 && kept.length === page.rows.length) continue;
			page.rows = place > 0 ? kept : [...answer.data, ...kept];
			this.pages.refresh(page);
		}
		if (answer.data.length > 0) this.#say();
	}

	#say(...what) {
		this.state.replaceChildren(...what);
	}

	#fail(error, retry) {
		this.#say(error.message + " ", button(words.retry, retry));
	}

	#offerCount() {
		this.#say(button(words.countMatches, async () => {
			const { key } = this;
			const answer = await this.#ask({ limit: 1, count: "exact" });
			if (key === this.key) this.#say(words.matches(answer.total));
		}, "link"));
	}

	#row(row) {
		const { unread = 0, status = "open", assignee_id, labels } = row;
		const name = row.name ?? row.phone_number ?? words.noName;
		const tags = [
			status === "open" ? null : node("span.tag", {}, words.statuses[status] ?? status),
			assignee_id ? node("span.tag", {}, this.agents.get(assignee_id)?.name ?? `#${assignee_id}`) : null,
			...(labels ?? []).map((label) => node("span.tag", { dir: "auto" }, label)),
		].filter(Boolean);
		const link = node(unread > 0 ? "a.row.unread" : "a.row", { href: this.addressOf(row), "aria-current": row.conversation_id === this.chosen ? "true" : null },
			node("b", { dir: "auto" }, ...marked(name, row.match_start ? {} : { term: this.wanted.q })),
			node("time", { dateTime: row.timestamp }, shortTime(row.timestamp)),
			node("span.text", { dir: "auto" }, ...marked(row.content ?? "", { start: row.match_start, length: row.match_length }, 16)),
			unread > 0 ? node("span.count", { title: words.unread(unread), "aria-label": words.unread(unread), role: "img" }, unread >= 1000 ? "1000+" : String(unread)) : null,
			tags.length > 0 ? node("span.tags", {}, ...tags) : null);
		return node("div", { role: "listitem" }, link);
	}

	addressOf(row) {
		return this.address({ c: row.conversation_id, m: this.wanted.q && row.match_start ? row.message_id : "" });
	}

	choose(id) {
		this.chosen = id;
		for (const link of this.rowsNode.querySelectorAll("a[aria-current]")) link.removeAttribute("aria-current");
		const found = this.pages.find((row) => row.conversation_id === id);
		const link = found?.page.node.children[found.place]?.firstChild;
		link?.setAttribute("aria-current", "true");
		link?.scrollIntoView({ block: "nearest" });
	}

	// A conversation's neighbour, for the keys j and k.
	neighbour(id, step) {
		const { rows } = this.pages;
		const place = rows.findIndex((row) => row.conversation_id === id);
		return rows[place < 0 ? 0 : place + step];
	}

	async loadAgents() {
		try {
			this.showAgents(await all("GET /agents"));
		} catch { /* an installation without agents */ }
	}
}

customElements.define("parley-list", ConversationList);
