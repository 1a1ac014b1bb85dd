// Tools for all elements: nodes, times and money, marked matches, dialogs, long lists in few nodes.
// Text from outside only becomes text nodes; nothing here parses HTML.

import { locale, words } from "./words.js";

// node("button.send", { type: "button", onclick }, "Send", otherNode …)
export function node(what, properties = {}, ...children) {
	const [tag, ...classes] = what.split(".");
	const made = document.createElement(tag);
	if (classes.length > 0) made.className = classes.join(" ");
	for (const [name, value] of Object.entries(properties)) {
		if (value === undefined || value === null) continue;
		if (name in made && !name.startsWith("aria")) made[name] = value;
		else made.setAttribute(name, value);
	}
	made.append(...children.filter((child) => child !== undefined && child !== null));
	return made;
}

export const button = (text, onclick, look = "", more = {}) => node(look ? `button.${look}` : "button", { type: "button", onclick, ...more }, text);

// Sends the page an event.
export const emit = (element, name, detail) => element.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));

// Created when needed: it takes milliseconds.
const formatter = (options, made) => ({ format: (at) => (made ??= new Intl.DateTimeFormat(locale, options)).format(at) });
const timeOfDay = formatter({ timeStyle: "short" });
const dayOfYear = formatter({ weekday: "long", day: "numeric", month: "long" });
const fullDay = formatter({ dateStyle: "long" });
const shortDay = formatter({ day: "numeric", month: "short" });
const numericDay = formatter({ dateStyle: "short" });

// A day in the reader's time zone, as a number to compare.
export const dayNumber = (at) => {
	const date = new Date(at);
	return date.getFullYear() * 10000 + date.getMonth() * 100 + date.getDate();
};

const sameYear = (date) => date.getFullYear() === new Date().getFullYear();

export function dayName(at) {
	const date = new Date(at);
	if (dayNumber(date) === dayNumber(Date.now())) return words.today;
	if (dayNumber(date) === dayNumber(Date.now() - 86400000)) return words.yesterday;
	return (sameYear(date) ? dayOfYear : fullDay).format(date);
}

export const clock = (at) => timeOfDay.format(new Date(at));

export function shortTime(at) {
	const date = new Date(at);
	return (dayNumber(date) === dayNumber(Date.now()) ? timeOfDay : sameYear(date) ? shortDay : numericDay).format(date);
}

export const timeNode = (at, text = shortTime(at)) =>
	node("time", { dateTime: at, title: new Date(at).toLocaleString(locale) }, text);

// The digits of currencies' minor units, as in the ledger; Intl's differ.
const otherDigits = { 0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF", 3: "BHD IQD JOD KWD LYD OMR TND", 4: "CLF UYW" };
const digitsOf = (currency) => Number(Object.keys(otherDigits).find((digits) => otherDigits[digits].includes(currency)) ?? 2);

// Converts minor units to text.
export function money(amount, currency) {
	const digits = digitsOf(currency);
	return new Intl.NumberFormat(locale, { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits })
		.format(amount / 10 ** digits);
}

// Converts text to minor units; null if it is not an amount in this currency.
export function minorUnits(text, currency) {
	const digits = digitsOf(currency);
	const parts = /^\s*([+-]?)(\d{1,13})(?:\.(\d+))?\s*$/.exec(text.replace("−", "-"));
	if (!parts || (parts[3]?.length ?? 0) > digits) return null;
	return Number(parts[1] + parts[2] + (parts[3] ?? "").padEnd(digits, "0"));
}

const characters = (text) => Array.from(text);

// The text with the match in a <mark>: where the server says it is, or else where the term first occurs.
export function marked(text, { term = "", start, length: size = 0 } = {}, around = Infinity) {
	const letters = characters(text);
	let begin = start ? start - 1 : -1;
	if (!start && term !== "") {
		const at = text.toLowerCase().indexOf(term.toLowerCase());
		if (at >= 0) [begin, size] = [characters(text.slice(0, at)).length, characters(term).length];
	}
	const after = around + 120;
	if (begin < 0) return [letters.slice(0, after).join("")];
	const from = Math.max(0, begin - around);
	const join = (a, b) => letters.slice(a, b).join("");
	return [
		(from > 0 ? "…" : "") + join(from, begin),
		node("mark", {}, join(begin, begin + size)),
		join(begin + size, begin + size + after),
	];
}

export function announce(text) {
	document.getElementById("announcements").textContent = text;
}

// A modal dialog with a form; resolves to its fields, or null if cancelled. check(fields) may return what is wrong.
export function ask(title, fields, { confirm = words.save, note, check } = {}) {
	return new Promise((resolve) => {
		const error = node("p.error", { role: "alert" });
		const inputs = fields.map((field) => {
			const input = node(field.rows ? "textarea" : "input", { name: field.name, value: field.value ?? "", autocomplete: "off",
				required: field.required ?? false, ...(field.rows ? { rows: field.rows } : { type: field.type ?? "text" }) });
			return node("label", {}, field.label, input);
		});
		const leave = button(words.cancel, () => dialog.close());
		const form = node("form", { method: "dialog" }, node("h2", {}, title), note && node("p", {}, note), ...inputs, error,
			node("p.buttons", {}, leave, node("button.primary", { type: "submit" }, confirm)));
		const dialog = node("dialog", { "aria-label": title }, form);
		let answer = null;
		form.addEventListener("submit", async (event) => {
			event.preventDefault();
			const given = Object.fromEntries(new FormData(form));
			error.textContent = "";
			try {
				answer = check ? await check(given) : given;
				dialog.close();
			} catch (problem) {
				error.textContent = problem.message;
			}
		});
		dialog.addEventListener("close", () => {
			dialog.remove();
			resolve(answer);
		});
		document.body.append(dialog);
		dialog.showModal();
	});
}

// Calls load() whenever the sentinel is near the visible part, and again after each load while it still is. Returns what looks whether
// it is, for when it may have been near all the time.
export function whenNear(scroller, sentinel, load) {
	const margin = 600;
	const check = async () => {
		const [outer, inner] = [scroller.getBoundingClientRect(), sentinel.getBoundingClientRect()];
		if (inner.top < outer.bottom + margin && inner.bottom > outer.top - margin && await load()) requestAnimationFrame(check);
	};
	new IntersectionObserver(([entry]) => entry.isIntersecting && check(), { root: scroller, rootMargin: `${margin}px` }).observe(sentinel);
	return check;
}

// A long list in few nodes. A page has nodes for its rows only while it is near the visible part; otherwise just its height is
// kept. Pages can be added at either end; what is visible does not move.
export class Pages {
	constructor(scroller, container, render) {
		this.scroller = scroller;
		this.container = container;
		this.render = render;
		this.pages = [];
		this.observer = new IntersectionObserver((entries) => {
			for (const entry of entries) this.#show(this.pages.find((page) => page.node === entry.target), entry.isIntersecting);
		}, { root: scroller, rootMargin: "800px 0px" });
	}

	#show(page, near) {
		if (!page || page.near === near) return;
		page.near = near;
		if (near) {
			page.node.replaceChildren(...this.render(page.rows, page));
			page.node.style.height = "";
		} else {
			page.node.style.height = `${page.node.offsetHeight}px`;
			page.node.replaceChildren();
		}
	}

	add(rows, { first = false } = {}) {
		const page = { rows, node: node("div.page", { role: "presentation" }), near: true };
		page.node.append(...this.render(rows, page));
		const height = this.scroller.scrollHeight;
		if (first) {
			this.pages.unshift(page);
			this.container.prepend(page.node);
			this.scroller.scrollTop += this.scroller.scrollHeight - height;
		} else {
			this.pages.push(page);
			this.container.append(page.node);
		}
		this.observer.observe(page.node);
		return page;
	}

	// Redraws a page after its rows have changed.
	refresh(page) {
		if (page.near) page.node.replaceChildren(...this.render(page.rows, page));
	}

	find(test) {
		for (const page of this.pages) {
			const place = page.rows.findIndex(test);
			if (place >= 0) return { page, place };
		}
		return null;
	}

	clear() {
		this.observer.disconnect();
		this.pages = [];
		this.container.replaceChildren();
	}

	get rows() {
		return this.pages.flatMap((page) => page.rows);
	}
}
