// What sections/85_inbox.sh runs: drives the inbox in Debian's Chromium and prints what a person would wait for, in ms.
//
//   node inbox.mjs URL list            from navigation to the first list on the screen: median, p95
//   node inbox.mjs URL keys            from a keystroke in the search to its results on the screen: p50, p95
//   node inbox.mjs URL live ID CONTACT from a post elsewhere to the message on the screen, in that conversation: p50, p95
//   node inbox.mjs URL scroll ID       up a conversation to its first message: the most nodes that the page had, and how many messages

import { chromium } from "../test/node_modules/playwright-core/index.mjs";

const [base, what, conversation, contact] = process.argv.slice(2);
const terms = ["walkman", "movie", "garcía", "555", "good morning", "why so", "thanks", "zimmermann", "you have seen", "photo"];
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });

async function open(fragment = "") {
	const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
	await page.addInitScript(() => {
		new MutationObserver((_, observer) => {
			if (!document.querySelector("parley-list .row")) return;
			observer.disconnect();
			requestAnimationFrame(() => setTimeout(() => { globalThis.listShown = performance.now(); }));
		}).observe(document, { childList: true, subtree: true });
	});
	await page.goto(`${base}/inbox/${fragment}`);
	await page.waitForFunction(() => globalThis.listShown);
	return page;
}

function print(values) {
	values.sort((a, b) => a - b);
	const rank = (share) => values[Math.max(0, Math.ceil(share * values.length) - 1)].toFixed(1);
	console.log(rank(0.5), rank(0.95), values.length);
}

const measurements = {
	async list() {
		const times = [];
		for (let n = 0; n < 20; n++) {
			const page = await open();
			times.push(await page.evaluate(() => globalThis.listShown));
			await page.context().close();
		}
		print(times);
	},

	// Results are there when the list is no longer busy with what stands in the field.
	async keys() {
		const page = await open();
		await page.evaluate(() => {
			const list = document.querySelector("parley-list");
			globalThis.times = [];
			globalThis.typed = null;
			list.search.addEventListener("input", () => { globalThis.typed = performance.now(); }, true);
			new MutationObserver(() => {
				if (globalThis.typed === null || list.hasAttribute("aria-busy") || list.wanted.q !== list.search.value) return;
				const since = globalThis.typed;
				globalThis.typed = null;
				requestAnimationFrame(() => setTimeout(() => globalThis.times.push(performance.now() - since)));
			}).observe(list, { attributes: true });
		});
		for (const term of terms) {
			await page.evaluate(() => { location.hash = ""; });
			await page.waitForFunction(() => {
				const list = document.querySelector("parley-list");
				if (list.wanted.q !== "" || list.hasAttribute("aria-busy")) return false;
				list.search.value = "";
				list.search.focus();
				return true;
			});
			for (const letter of term) {
				const known = await page.evaluate(() => globalThis.times.length);
				await page.keyboard.type(letter);
				await page.waitForFunction((count) => globalThis.times.length > count, known);
			}
		}
		print(await page.evaluate(() => globalThis.times));
	},

	async live() {
		const page = await open(`#c=${conversation}`);
		await page.locator("#connection.live").waitFor();
		const times = [];
		for (let n = 0; n < 50; n++) {
			const content = `message ${n} of ${Date.now()}`;
			const shown = page.evaluate((text) => new Promise((resolve) => {
				const rows = document.querySelector("parley-conversation .rows");
				new MutationObserver((_, observer) => {
					if (!rows.textContent.includes(text)) return;
					observer.disconnect();
					requestAnimationFrame(() => setTimeout(() => resolve(Date.now())));
				}).observe(rows, { childList: true, subtree: true });
			}), content);
			await page.evaluate(() => 0); // the observer is there
			const start = Date.now();
			const { status } = await fetch(`${base}/conversations/${conversation}/messages`, { method: "POST",
				headers: { "content-type": "application/json" }, body: JSON.stringify({ content, sender_id: Number(contact) }) });
			if (status !== 201) throw new Error(`status ${status}`);
			times.push(await shown - start);
		}
		print(times);
	},

	async scroll() {
		const page = await open(`#c=${conversation}`);
		await page.locator("parley-conversation article").first().waitFor();
		const { most, messages } = await page.evaluate(async () => {
			const element = document.querySelector("parley-conversation");
			let most = 0;
			while (element.pages.rows[0].message_id > 1) {
				element.scroller.scrollTop = 0;
				await new Promise((resolve) => setTimeout(resolve, 10));
				most = Math.max(most, document.querySelectorAll("*").length);
			}
			return { most, messages: element.pages.rows.length };
		});
		console.log(most, messages);
	},
};

await measurements[what]();
await browser.close();
