// The list of conversations: newest first, searched as one types, in few nodes. What the list's own request does not say of a
// row, how much is unread and the case, comes with the operator's news.

import { all, call, cursorOf } from "./api.js";
import { announce, marked, node, Pages, shortTime, whenNear } from "./dom.js";
import { words } from "./words.js";

const typingPause = 120;
const pageSize = 50;

export class ConversationList extends HTMLElement {
	connectedCallback() {
		this.search = node("input", { type: "search", placeholder: words.search, "aria-label": words.search, "aria-keyshortcuts": "/",
			maxLength: 1000, oninput: () => this.#typed() });
		this.start = node("button", { type: "button", title: words.newConversation, "aria-label": words.newConversation,
			"aria-keyshortcuts": "n", onclick: () => this.dispatchEvent(new CustomEvent("start", { bubbles: true })) }, "+");
		this.rowsNode = node("div.rows", { role: "list", "aria-label": words.conversations });
		this.state = node("p.state", { role: "status" });
		this.more = node("div.more");
		this.scroller = node("div.scroller", { tabIndex: -1 }, this.rowsNode, this.state, this.more);
		this.append(node("form.search", { role: "search", onsubmit: (event) => event.preventDefault() }, this.search, this.start), this.scroller);
		this.pages = new Pages(this.scroller, this.rowsNode, (rows) => rows.map((row) => this.#row(row)));
		whenNear(this.scroller, this.more, () => this.#loadMore());
		this.agents = new Map();
		this.told = new Map();
	}

	showAgents(agents) {
		this.agents = new Map(agents.map((agent) => [agent.id, agent]));
		for (const page of this.pages.pages) this.pages.refresh(page);
	}

	// Rows as the operator's news has them: unread and the case are kept, the rest is asked for again.
	tell(rows) {
		for (const { conversation_id, unread, case: state } of rows) this.told.set(conversation_id, { ...state, unread });
		for (const page of this.pages.pages)
			if (page.rows.some((row) => this.told.has(row.conversation_id))) this.pages.refresh(page);
	}

	#typed() {
		clearTimeout(this.timer);
		this.timer = setTimeout(() => this.#changed(), typingPause);
	}

	#changed() {
		this.dispatchEvent(new CustomEvent("filter", { bubbles: true, detail: { q: this.search.value } }));
	}

	// What the address says is shown; only what differs from what stands there is asked for again.
	async show(wanted) {
		if (wanted.q === this.key) return;
		this.key = wanted.q;
		if (document.activeElement !== this.search) this.search.value = wanted.q;
		this.query = { searchValue: wanted.q, limit: pageSize };
		await this.reload();
	}

	// From the top. What was asked before is given up; the old rows stay until the new ones are there.
	async reload() {
		this.asking?.abort();
		const asking = this.asking = new AbortController();
		this.setAttribute("aria-busy", "true");
		try {
			const answer = await call("GET /conversations", { query: this.query, signal: asking.signal });
			this.pages.clear();
			this.scroller.scrollTop = 0;
			this.#take(answer);
			this.#say(answer.data.length > 0 ? null : this.query.searchValue ? words.noMatches(this.query.searchValue) : words.noConversations);
			if (this.query.searchValue && answer.data.length > 0) this.#offerCount();
			if (this.query.searchValue) announce(answer.data.length > 0 ? words.matches(answer.data.length) : this.state.textContent);
			performance.mark("parley-list");
		} catch (error) {
			if (error.name !== "AbortError") this.#fail(error, () => this.reload());
		} finally {
			if (this.asking === asking) this.removeAttribute("aria-busy");
		}
	}

	#take(answer) {
		this.cursor = cursorOf(answer);
		if (answer.data.length > 0) this.pages.add(answer.data);
	}

	// True where there may be more.
	async #loadMore() {
		if (!this.cursor || this.loadingMore) return false;
		this.loadingMore = true;
		const { key } = this;
		try {
			const answer = await call("GET /conversations", { query: { ...this.query, cursor: this.cursor }, signal: this.asking?.signal });
			if (key === this.key) this.#take(answer);
			return this.cursor !== null;
		} catch (error) {
			if (error.name !== "AbortError") this.#fail(error, () => this.#loadMore());
			return false;
		} finally {
			this.loadingMore = false;
		}
	}

	// News: the first page again, in place of what the old rows of its conversations say, wherever they stand.
	async refresh() {
		if (!this.query || this.refreshing) {
			this.refreshAgain = Boolean(this.query);
			return;
		}
		this.refreshing = true;
		const { key } = this;
		try {
			const answer = await call("GET /conversations", { query: this.query, signal: this.asking?.signal });
			if (key === this.key) this.#merge(answer);
		} catch { /* the next piece of news asks again */ }
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
		const [first, ...others] = this.pages.pages;
		const kept = first.rows.filter((row) => !fresh.has(row.conversation_id));
		first.rows = [...answer.data, ...(answer.next ? kept : [])];
		this.pages.refresh(first);
		for (const page of others) {
			const rows = page.rows.filter((row) => !fresh.has(row.conversation_id));
			if (rows.length === page.rows.length) continue;
			page.rows = rows;
			this.pages.refresh(page);
		}
		if (answer.data.length > 0) this.#say(null);
	}

	#say(text) {
		this.state.replaceChildren(...(text === null ? [] : [text]));
	}

	#fail(error, retry) {
		this.state.replaceChildren(error.message + " ", node("button", { type: "button", onclick: retry }, words.retry));
	}

	#offerCount() {
		this.state.replaceChildren(node("button.link", { type: "button", onclick: async () => {
			const { query } = this;
			const answer = await call("GET /conversations", { query: { ...query, limit: 1, count: "exact" } });
			if (query === this.query) this.#say(words.matches(answer.total));
		} }, words.countMatches));
	}

	#row(row) {
		const { unread = 0, status = "open", assignee_id, labels = [] } = this.told.get(row.conversation_id) ?? {};
		const name = row.name ?? row.phone_number ?? words.noName;
		const tags = [
			status === "open" ? null : node("span.tag." + status, {}, words.statuses[status] ?? status),
			assignee_id ? node("span.tag", {}, this.agents.get(assignee_id)?.name ?? `#${assignee_id}`) : null,
			...labels.map((label) => node("span.tag.label", {}, label)),
		];
		const link = node(unread > 0 ? "a.row.unread" : "a.row", { href: this.addressOf(row), "aria-current": row.conversation_id === this.chosen ? "true" : null },
			node("b", { dir: "auto" }, ...marked(name, { term: this.query.searchValue })),
			node("time", { dateTime: row.timestamp }, shortTime(row.timestamp)),
			node("span.text", { dir: "auto" }, ...marked(row.content ?? "", { term: this.query.searchValue }, 16)),
			unread > 0 ? node("span.count", { title: words.unread(unread), "aria-label": words.unread(unread) }, unread >= 1000 ? "1000+" : String(unread)) : null,
			...tags);
		return node("div", { role: "listitem" }, link);
	}

	addressOf(row) {
		const fields = { c: row.conversation_id };
		if (this.query.searchValue && row.message_id) fields.m = row.message_id;
		return this.address(fields);
	}

	choose(id) {
		this.chosen = id;
		for (const link of this.rowsNode.querySelectorAll("a[aria-current]")) link.removeAttribute("aria-current");
		const found = this.pages.find((row) => row.conversation_id === id);
		const link = found?.page.node.children[found.place]?.firstChild;
		link?.setAttribute("aria-current", "true");
		link?.scrollIntoView({ block: "nearest" });
	}

	// The neighbour of a conversation, for the keys j and k.
	neighbour(id, step) {
		const { rows } = this.pages;
		const place = rows.findIndex((row) => row.conversation_id === id);
		return rows[place < 0 ? 0 : place + step];
	}

	rowOf(id) {
		return this.pages.find((row) => row.conversation_id === id)?.page.rows.find((row) => row.conversation_id === id);
	}

	async loadAgents() {
		try {
			this.showAgents(await all("GET /agents"));
		} catch { /* an installation without agents */ }
	}
}

customElements.define("parley-list", ConversationList);
