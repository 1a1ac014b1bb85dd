// The demo as `make run` shows it, among 100,000 contacts: the story's conversations come first, everything passes the accessibility
// checker, and lists are as fast and as small as with a few contacts. The screenshots for docs/ and for reviews are taken here.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Browser, picture, violations } from "../support/browser.mjs";
import { psql, root, run } from "../support/database.mjs";
import { until } from "../support/http.mjs";

const database = "inbox_story";
const contacts = 100000;
let browser;
const ids = {};

before(async () => {
	await psql("postgres", `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
	await psql("postgres", `CREATE DATABASE ${database} TEMPLATE template0`);
	await psql(database, "CREATE EXTENSION parley CASCADE");
	await run(join(root, "bench/populate"), ["--contacts", "20", "--messages", "400", "--story", join(root, "bench/story.sql")],
		{ env: { ...process.env, PGDATABASE: database } });
	await psql(database, `
		INSERT INTO parley.contacts (id, name, phone) SELECT n, 'Person ' || n, '+998 77 ' || n FROM generate_series(100001, 100000 + ${contacts}) n;
		INSERT INTO parley.conversations (id, kind, contact_id, last_number, newest_number, last_message_at, operator_read_number)
			SELECT n * 1024 + n % 1024, 'contact', n, 1, 1, '2020-01-01Z'::timestamptz + n * interval '1 s', 1 FROM generate_series(100001, 100000 + ${contacts}) n;
		INSERT INTO parley.messages (conversation_id, number, sender_id, content, created_at)
			SELECT n * 1024 + n % 1024, 1, n, 'hi', '2020-01-01Z'::timestamptz + n * interval '1 s' FROM generate_series(100001, 100000 + ${contacts}) n;
		INSERT INTO parley.members (conversation_id, contact_id) SELECT n * 1024 + n % 1024, n FROM generate_series(100001, 100000 + ${contacts}) n;
		ANALYZE parley.contacts, parley.conversations, parley.messages, parley.members`);
	for (const line of (await psql(database, `SELECT split_part(p.name, ' ', 1), c.id, p.id FROM parley.contacts p JOIN parley.members m ON m.contact_id = p.id
			JOIN parley.conversations c ON c.id = m.conversation_id WHERE p.name IN ('Ravi Menon', 'Grace Kim', 'ليلى حداد')`)).split("\n")) {
		const [name, conversation, contact] = line.split("|");
		ids[name] = { conversation, contact };
	}
	browser = await Browser.start([], { PGDATABASE: database });
});
after(async () => {
	await browser?.stop();
	await psql("postgres", `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
});

const rows = (page) => page.locator("parley-list .row");

test("story_is_on_top", async (t) => {
	const page = await browser.page(t);
	await rows(page).nth(8).waitFor();
	const names = await page.locator("parley-list .row b").allTextContents();
	for (const name of ["Grace Kim", "Ravi Menon", "ليلى حداد", "דנה לוי", "佐藤健司", "Nora Lindqvist"]) assert.ok(names.slice(0, 9).includes(name), names.slice(0, 9).join());
	const arabic = page.locator("parley-list .row b", { hasText: "ليلى" });
	await until(async () => await arabic.evaluate((element) => getComputedStyle(element).direction) === "rtl", "the name is written from right to left");
	await page.locator(".tag", { hasText: "Mara Lindt" }).first().waitFor();
	assert.deepEqual(page.failures, []);
});

test("every_view_passes_the_checker_in_light_dark_and_narrow", async (t) => {
	const views = [["list", "", "parley-list .row"], ["conversation", `#c=${ids.Ravi.conversation}`, "article.own"], ["receipt", `#c=${ids.Grace.conversation}`, "article.receipt"],
		["right-to-left", `#c=${ids["ليلى"].conversation}`, "article.own"], ["search", "#q=thank", "parley-list mark"], ["filter", "#status=open&label=card", "parley-list .tag"],
		["wallet", `#view=wallet&u=${ids.Ravi.contact}`, "parley-wallet td.out"], ["wallet-search", "#view=wallet&u=Person%2010", "parley-wallet li"]];
	for (const [look, options] of [["light", {}], ["dark", { colorScheme: "dark" }], ["narrow", { viewport: { width: 360, height: 700 } }]])
		for (const [name, fragment, ready] of views) {
			const page = await browser.page(t, fragment, options);
			await page.locator(ready).first().waitFor();
			await page.locator("#connection.live, #connection.polling").waitFor();
			if (look !== "narrow" && /c=/.test(fragment)) await page.locator("parley-contact h2").waitFor();
			if (look !== "dark" || name === "conversation" || name === "list") assert.deepEqual(await violations(page), [], `${name}, ${look}`);
			assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name}, ${look} fits`);
			assert.deepEqual(page.failures, []);
			await picture(page, `${name}-${look}`);
			await page.close();
		}
});

test("dialogs_pass_the_checker_too", async (t) => {
	const page = await browser.page(t, `#c=${ids.Ravi.conversation}`);
	await page.locator("parley-contact h2").waitFor();
	await page.getByRole("button", { name: "Edit" }).last().click();
	assert.deepEqual(await violations(page), []);
	await page.keyboard.press("Escape");
	await page.locator("dialog").waitFor({ state: "detached" });
	await page.keyboard.press("?");
	assert.deepEqual(await violations(page), []);
});

test("hundred_thousand_contacts_scroll_and_are_found", async (t) => {
	const page = await browser.page(t);
	await rows(page).nth(40).waitFor();
	let most = 0;
	const scroller = page.locator("parley-list .scroller");
	await until(async () => {
		for (let turns = 0; turns < 60; turns++) {
			await scroller.evaluate((element) => { element.scrollTop = element.scrollHeight; });
			await page.waitForTimeout(30);
			most = Math.max(most, await page.evaluate(() => document.querySelectorAll("*").length));
		}
		return (await page.locator("parley-list .page").count()) > 10;
	}, "many pages");
	assert.ok(most < 2000, `${most} nodes`);
	await page.getByRole("searchbox").fill("Person 177777");
	await page.locator("parley-list mark", { hasText: "Person 177777" }).waitFor();
	assert.equal(await rows(page).count(), 1);
	await page.getByRole("searchbox").fill("99877123456");
	await rows(page).locator("b", { hasText: "Person 123456" }).waitFor();
	assert.deepEqual(page.failures, []);
});

test("everything_is_loaded_from_here_and_nothing_complains", async (t) => {
	const page = await browser.page(t, "#c=1");
	const said = [];
	page.on("console", (message) => ["error", "warning"].includes(message.type()) && !message.text().includes("404") && said.push(message.text()));
	const requests = [];
	page.on("request", (request) => requests.push(request.url()));
	const [answer] = await Promise.all([page.waitForResponse(`${browser.url}`), page.reload()]);
	await rows(page).first().waitFor();
	await page.getByText("conversation 1 does not exist").or(page.getByText("no conversation 1")).waitFor();
	assert.deepEqual(said, []);
	assert.ok(requests.length > 5);
	for (const url of requests) assert.ok(url.startsWith(browser.gateway.base) || url.startsWith("data:"), url);
	const policy = answer.headers()["content-security-policy"];
	assert.match(policy, /default-src 'none'/);
	assert.doesNotMatch(policy, /unsafe|\*/);
	assert.equal(await page.evaluate(() => `${document.doctype.name} ${document.characterSet} ${document.documentElement.lang}`), "html UTF-8 en");
});
