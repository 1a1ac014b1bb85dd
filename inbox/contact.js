// The contact's card beside a conversation, and the wallet: accounts, transactions, a transfer.

import { all, call, newKey } from "./api.js";
import { ask, button, emit, minorUnits, money, node, timeNode } from "./dom.js";
import { words } from "./words.js";

const attributeText = (value) => (typeof value === "string" && !value.includes("\n") ? value : JSON.stringify(value));

const attributeLine = ([name, value]) => `${attributeText(name)} = ${attributeText(value)}`;

// A line that was not edited keeps its value, even if that is a number or a list.
function attributesOf(text, before) {
	const known = new Map(Object.entries(before).map((attribute) => [attributeLine(attribute), attribute]));
	return Object.fromEntries(text.split("\n").filter((line) => line.trim() !== "").map((line) => {
		const [name, ...value] = line.split("=");
		return known.get(line) ?? [name.trim(), value.join("=").trim()];
	}));
}

const term = (name, ...value) => [node("dt", {}, name), node("dd", { dir: "auto" }, ...value)];

export class ContactCard extends HTMLElement {
	async show(id) {
		if (id === this.id_ && id !== null) return;
		this.id_ = id;
		this.replaceChildren();
		if (id === null) return;
		try {
			const [contact, accounts] = await Promise.all([all(`GET /contacts/${id}`), all(`GET /users/${id}/accounts`).catch(() => [])]);
			if (id === this.id_) await this.#draw(contact, accounts);
		} catch (error) {
			this.replaceChildren(node("p.error", {}, error.message));
		}
	}

	async #draw(contact, accounts) {
		const lines = await Promise.all(accounts.slice(0, 5).map(async (account) => [account,
			await all(`GET /users/${contact.id}/accounts/${account.id}/transactions`, { query: { sort: "desc", limit: 3 } }).catch(() => [])]));
		this.replaceChildren(node("section", { "aria-label": words.contact },
			node("h2", { dir: "auto" }, contact.name ?? words.noName),
			node("dl", {}, ...(contact.phone ? term(words.phone, node("a", { href: `tel:${contact.phone.replace(/[^+0-9]/g, "")}` }, contact.phone)) : []),
				...(contact.email ? term(words.email, node("a", { href: `mailto:${contact.email}` }, contact.email)) : []),
				...Object.entries(contact.attributes).flatMap(([name, value]) => term(name, attributeText(value)))),
			button(words.edit, () => this.#edit(contact)),
			node("h3", {}, words.accounts),
			accounts.length === 0 ? node("p", {}, words.noAccounts) : null,
			...lines.map(([account, transactions]) => node("div.account", {},
				node("p", {}, node("span", {}, account.name ?? account.currency), node("strong.amount", {}, money(account.balance, account.currency))),
				node("ul", {}, ...transactions.map((line) => node("li", {}, timeNode(line.created_at), " ",
					node(line.amount < 0 ? "span.amount.out" : "span.amount", {}, money(line.amount, account.currency)),
					" ", node("span", { dir: "auto" }, line.memo)))))),
			node("a.button", { href: `#view=wallet&u=${contact.id}` }, words.openWallet)));
	}

	async #edit(contact) {
		const line = `PUT /contacts/${contact.id}`;
		const saved = await ask(words.contact, [
			{ name: "name", label: words.name, value: contact.name ?? "" },
			{ name: "phone", label: words.phone, type: "tel", value: contact.phone ?? "" },
			{ name: "email", label: words.email, type: "email", value: contact.email ?? "" },
			{ name: "attributes", label: words.attributes, rows: 4,
				value: Object.entries(contact.attributes).map(attributeLine).join("\n") },
		], { check: (given) => all(line, { body: { name: given.name || null, phone: given.phone || null, email: given.email || null,
			attributes: attributesOf(given.attributes, contact.attributes) } }) });
		if (!saved) return;
		const id = this.id_;
		this.id_ = null;
		await this.show(id);
		emit(this, "changed", id);
	}
}

export class Wallet extends HTMLElement {
	// user: an id, or part of a name or phone.
	async show(user) {
		this.user = user;
		const field = node("input", { type: "search", required: true, value: user });
		this.replaceChildren(node("form.find", { onsubmit: (event) => {
			event.preventDefault();
			location.hash = new URLSearchParams({ view: "wallet", u: field.value.trim() });
		} }, node("label", {}, words.user, " ", field), node("button.primary", { type: "submit" }, words.show)));
		if (user !== "") await (/^\d{1,9}$/.test(user) ? this.#accounts(user) : this.#users(user))
			.catch((error) => this.append(node("p.error", { role: "alert" }, error.message)));
	}

	async #users(term) {
		const found = await all("GET /contacts", { query: { searchValue: term } });
		if (term === this.user) this.append(found.length === 0 ? node("p", {}, words.noMatches(term)) : node("ul", {},
			...found.map(({ id, name, phone, email }) => node("li", { dir: "auto" }, node("a", { href: `#view=wallet&u=${id}` }, name ?? phone ?? email), name && phone ? ` · ${phone}` : null))));
	}

	async #accounts(id) {
		const [user, accounts] = await Promise.all([all(`GET /users/${id}`), all(`GET /users/${id}/accounts`)]);
		if (id === this.user) this.append(node("section", {}, node("h2", { dir: "auto" }, words.walletOf(user.name ?? user.phone ?? user.email)),
			button(words.openAccount, () => this.#open()),
			accounts.length === 0 ? node("p", {}, words.noAccounts) : null,
			...accounts.map((account) => this.#account(account))));
	}

	#account(account) {
		const rows = node("tbody");
		const more = button(words.older, () => load(), "", { hidden: true });
		let last;
		const load = async () => {
			const lines = await all(`GET /users/${this.user}/accounts/${account.id}/transactions`, { query: { sort: "desc", limit: 20, last_id: last } });
			last = lines.at(-1)?.id;
			more.hidden = lines.length < 20;
			if (lines.length === 0 && rows.childElementCount === 0)
				rows.append(node("tr", {}, node("td", { colSpan: 4 }, words.noTransactions)));
			rows.append(...lines.map((line) => node("tr", {}, node("td", {}, timeNode(line.created_at)), node("td", { dir: "auto" }, line.memo ?? ""),
				node(line.amount < 0 ? "td.amount.out" : "td.amount", {}, money(line.amount, account.currency)),
				node("td.amount", {}, money(line.balance, account.currency)))));
		};
		load().catch((error) => rows.replaceChildren(node("tr", {}, node("td.error", { colSpan: 4 }, error.message))));
		const title = account.name ?? `${words.accounts} ${account.id}`;
		return node("section.account", { "aria-label": title },
			node("p", {}, node("span", { dir: "auto" }, `${title} · ${account.id}`), node("strong.amount", {}, money(account.balance, account.currency))),
			node("div.buttons", {},
				button(words.deposit, () => this.#post(account)),
				button(words.transfer, () => this.#transfer(account))),
			node("table", {}, node("caption.unseen", {}, words.transactions),
				node("thead", {}, node("tr", {}, ...[words.when, words.memo, words.amount, words.balance].map((text) => node("th", { scope: "col" }, text)))), rows),
			more);
	}

	async #done(asked) {
		if (await asked) await this.show(this.user);
	}

	#open() {
		return this.#done(ask(words.openAccount, [{ name: "currency", label: words.currency, required: true }, { name: "name", label: words.name }],
			{ check: (given) => call(`POST /users/${this.user}/accounts`, { body: { currency: given.currency.toUpperCase(), name: given.name || undefined } }) }));
	}

	#amount(text, currency) {
		const amount = minorUnits(text, currency);
		if (!amount) throw new Error(`${words.amount}: “${text}”`);
		return amount;
	}

	#post(account) {
		const key = newKey();
		return this.#done(ask(words.deposit, [{ name: "amount", label: `${words.amount} (${account.currency})`, required: true }, { name: "memo", label: words.memo }],
			{ check: (given) => call(`POST /users/${this.user}/accounts/${account.id}/transactions`,
				{ body: { amount: this.#amount(given.amount, account.currency), memo: given.memo || undefined }, key }) }));
	}

	#transfer(account) {
		const key = newKey();
		return this.#done(ask(words.transfer, [
			{ name: "to_user_id", label: words.toUser, type: "number", required: true },
			{ name: "to_account_id", label: words.toAccount, type: "number", required: true },
			{ name: "amount", label: `${words.amount} (${account.currency})`, required: true },
			{ name: "memo", label: words.memo }],
		{ check: (given) => call(`POST /users/${this.user}/transfers`, { body: { from_account_id: account.id, to_user_id: Number(given.to_user_id),
			to_account_id: Number(given.to_account_id), amount: this.#amount(given.amount, account.currency), memo: given.memo || undefined }, key }) }));
	}
}

customElements.define("parley-contact", ContactCard);
customElements.define("parley-wallet", Wallet);
