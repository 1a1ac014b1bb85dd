// The page as a whole: shows what the address says, and passes on keys and news. All state is in the address: q and the filters
// of the list, c conversation, m message; view and u: the wallet.

import { all, Live, Problem, session } from "./api.js";
import { ask, node } from "./dom.js";
import "./contact.js";
import "./conversation.js";
import { filterNames } from "./list.js";
import { words } from "./words.js";

const list = document.querySelector("parley-list");
const conversation = document.querySelector("parley-conversation");
const card = document.querySelector("parley-contact");
const wallet = document.querySelector("parley-wallet");
const names = ["view", "q", ...filterNames, "c", "m", "u"];

function wanted() {
	const given = new URLSearchParams(location.hash.slice(1));
	return Object.fromEntries(names.map((name) => [name, given.get(name) ?? ""]));
}

function address(change) {
	const next = { ...wanted(), view: "", u: "", m: "", ...change };
	return "#" + new URLSearchParams(names.filter((name) => next[name] !== "" && next[name] !== null).map((name) => [name, next[name]]));
}

const go = (change) => {
	location.hash = address(change);
};

async function show() {
	const now = wanted();
	const inWallet = now.view === "wallet";
	const id = Number(now.c) || null;
	document.body.classList.toggle("has-conversation", id !== null && !inWallet);
	document.body.classList.toggle("in-wallet", inWallet);
	for (const element of [list, conversation, card]) element.hidden = inWallet;
	wallet.hidden = !inWallet;
	for (const link of document.querySelectorAll("#views a")) link.ariaCurrent = (link.dataset.view === "wallet") === inWallet ? "page" : null;
	if (inWallet) return wallet.show(now.u);
	const listed = list.show(now);
	const message = Number(now.m) || null;
	const place = `${id}/${message}/${message ? now.q : ""}`;
	if (id === null) {
		conversation.close();
		card.show(null);
	} else if (place !== show.place) conversation.open(id, message, now.q);
	show.place = id === null ? null : place;
	await listed;
	list.choose(id);
}

list.address = address;
list.addEventListener("filter", (event) => {
	history.replaceState(null, "", address(event.detail));
	show();
});
list.addEventListener("start", startConversation);
conversation.addEventListener("opened", (event) => {
	const contact = event.detail.participants[0]?.id ?? null;
	card.show(contact);
	document.title = `${conversation.heading.textContent} · ${words.title}`;
});
for (const name of ["sent", "read", "changed"]) document.addEventListener(name, () => list.refresh());

async function startConversation() {
	const made = await ask(words.newConversation, [{ name: "phone", label: words.phone, type: "tel" }, { name: "name", label: words.name },
		{ name: "email", label: words.email, type: "email" }], { check: async (given) => {
		let contact;
		try {
			contact = await all("POST /contacts", { body: { phone: given.phone || undefined, name: given.name || undefined, email: given.email || undefined } });
		} catch (problem) {
			if (problem.status !== 409 || !given.phone) throw problem;
			// If a contact has that phone, open the conversation with them.
			const digits = given.phone.replace(/[^0-9]/g, "");
			const known = await all("GET /contacts", { query: { searchValue: given.phone, limit: 10 } });
			contact = known.find((row) => row.phone?.replace(/[^0-9]/g, "") === digits);
			if (!contact) throw problem;
		}
		return all(`POST /contacts/${contact.id}/conversation`);
	} });
	if (!made) return;
	go({ c: made.id });
	conversation.addEventListener("opened", () => conversation.input.focus(), { once: true });
}

function showHelp() {
	ask(words.help, [], { confirm: words.close });
	const form = document.querySelector("dialog form");
	form.querySelector("h2").after(node("dl.shortcuts", {}, ...words.shortcuts.flatMap(([keys, does]) =>
		[node("dt", {}, node("kbd", {}, keys)), node("dd", {}, does)])));
}

const keys = {
	j: () => step(1),
	k: () => step(-1),
	"/": () => (wanted().view ? wallet.querySelector("input") : list.search)?.focus(),
	r: () => conversation.input.focus(),
	e: () => conversation.toggle(),
	s: () => conversation.snooze(),
	a: () => conversation.fields?.[0].focus(),
	l: () => conversation.fields?.[1].focus(),
	f: () => list.fields.status.focus(),
	n: startConversation,
	w: () => go({ view: "wallet" }),
	"?": showHelp,
};

function step(by) {
	const row = list.neighbour(Number(wanted().c) || null, by);
	if (row) location.hash = list.addressOf(row);
}

document.addEventListener("keydown", (event) => {
	const target = event.target;
	const inField = target.matches("input, textarea, select") || target.closest("dialog");
	if (event.key === "Escape" && !target.closest("dialog")) {
		if (inField) target.blur();
		else if (wanted().view || wanted().c) go({ c: "" });
	} else if (!inField && !event.ctrlKey && !event.metaKey && !event.altKey && keys[event.key] && !(wanted().view && "jkresalf".includes(event.key))) {
		event.preventDefault();
		keys[event.key]();
	}
});

let signingIn = false;
addEventListener("parley-signin", async (event) => {
	if (signingIn) return;
	signingIn = true;
	const given = await ask(words.signIn, [{ name: "token", label: words.token, type: "password", required: true }],
		{ confirm: words.signIn, note: event.detail.refused ? words.tokenRefused : words.tokenHint });
	signingIn = false;
	if (!given) return;
	session.token = given.token.trim();
	location.reload();
});

function say(text, state) {
	const place = document.getElementById("connection");
	place.textContent = text;
	place.className = state;
}

// data: an event's, or null if something may have changed.
function news(data) {
	const rows = data?.conversations ?? [];
	if (data !== null && rows.length === 0) return;
	list.tell(rows);
	list.refresh();
	if (data === null || rows.some((row) => row.conversation_id === conversation.id_)) conversation.refreshCase();
}

async function start() {
	document.title = words.title;
	document.getElementById("views").append(
		node("a", { href: "#", "data-view": "list" }, words.conversations),
		node("a", { href: "#view=wallet", "data-view": "wallet", "aria-keyshortcuts": "w" }, words.wallet));
	const help = document.getElementById("help");
	help.setAttribute("aria-label", words.help);
	help.addEventListener("click", showHelp);
	const leave = document.getElementById("leave");
	leave.textContent = session.token ? words.signOut : words.insecure;
	leave.hidden = false;
	leave.disabled = !session.token;
	leave.addEventListener("click", () => {
		session.token = null;
		location.reload();
	});
	addEventListener("hashchange", show);
	await show();
	list.loadAgents().then(() => conversation.showAgents(list.agents));
	new Live({ path: "/events", on: news, say }).run();
}

start().catch((error) => say(error instanceof Problem ? error.message : String(error), "offline"));
