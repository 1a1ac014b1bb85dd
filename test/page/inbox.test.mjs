// The inbox in an operator's browser. Each test creates its own contacts and finds them by a word that no other test uses.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser, picture, tryAgain } from "../support/browser.mjs";
import { psql } from "../support/database.mjs";
import { until } from "../support/http.mjs";
import { conversation, created, got, expectStatus, pair, phone, word } from "../support/people.mjs";

const shown = (page, text) => page.getByText(text).first().waitFor();
const search = (page, term) => page.getByRole("searchbox").fill(term);
const nodes = (page) => page.evaluate(() => document.querySelectorAll("*").length);

let browser;
before(async () => { browser = await Browser.start(); });
after(() => browser?.stop());

test("list_shows_the_newest_first_and_search_narrows_it_as_one_types", async (t) => {
	const it = word();
	const old = await conversation(`${it} Old`, `about ${it} and ships`);
	const young = await conversation(`${it} Young`, "nothing of the kind");
	const page = await browser.page(t);
	await shown(page, `${it} Young`);
	const names = await page.locator("parley-list .row b").allTextContents();
	assert.ok(names.indexOf(young.contact.name) < names.indexOf(old.contact.name), names.slice(0, 5).join());

	await search(page, `${it} and`);
	await page.locator("parley-list .row").nth(1).waitFor({ state: "detached" });
	assert.equal(await page.locator("parley-list mark").first().textContent(), `${it} and`);
	await page.getByRole("button", { name: "Count all" }).click();
	await shown(page, "1 conversation matches");
	assert.match(page.url(), new RegExp(`q=${it}`));

	await search(page, word());
	await shown(page, "Nothing matches");
	assert.deepEqual(page.failures, []);
});

test("conversation_is_read_and_answered", async (t) => {
	const it = word();
	const { id } = await conversation(it, "<hello", "good day");
	const page = await browser.page(t, `#c=${id}`);
	await shown(page, "good day");
	assert.equal(await page.locator("parley-conversation .day").count(), 1);
	assert.deepEqual(await page.locator("article.theirs p").allTextContents(), ["hello"]);
	await page.keyboard.press("r");
	await page.keyboard.type("how can I help?");
	await page.keyboard.press("Enter");
	await page.locator("article.own:not(.waiting)", { hasText: "how can I help?" }).waitFor();
	assert.deepEqual((await got(`/conversations/${id}/messages`)).map((message) => message.content), ["hello", "good day", "how can I help?"]);
	assert.deepEqual(page.failures, []);
});

test("reply_that_could_not_be_sent_stays_and_is_sent_once", async (t) => {
	const { id } = await conversation(word(), "<hello");
	const page = await browser.page(t, `#c=${id}`);
	await shown(page, "hello");
	// The first response is lost on the way, although the message was posted.
	let tries = 0;
	await page.route(`**/conversations/${id}/messages`, async (route) => {
		if (route.request().method() !== "POST" || tries++ > 0) return route.continue();
		await route.fetch();
		await route.abort();
	});
	await page.getByRole("textbox", { name: "Write a reply" }).fill("only once");
	await page.getByRole("button", { name: "Send", exact: true }).click();
	await shown(page, "Not sent:");
	await page.getByRole("button", { name: "Send again" }).click();
	await page.locator("article.own:not(.waiting)", { hasText: "only once" }).waitFor();
	assert.equal((await got(`/conversations/${id}/messages`)).filter((message) => message.content === "only once").length, 1);
	assert.equal(tries, 2);
});

test("long_conversation_scrolls_in_few_nodes", async (t) => {
	const { id, contact } = await conversation(word(), "first of all");
	await psql("parley", `INSERT INTO parley.messages (conversation_id, number, sender_id, content, created_at)
		SELECT ${id}, n, CASE WHEN n % 2 = 0 THEN ${contact.id} END, 'message ' || n, now() + n * interval '1 ms' FROM generate_series(2, 10000) n;
		SELECT parley.rebuild_conversations()`);
	const page = await browser.page(t, `#c=${id}`);
	await shown(page, "message 10000");
	const scroller = page.locator("parley-conversation .scroller");
	let most = 0;
	await until(async () => {
		for (let turns = 0; turns < 20; turns++) {
			await scroller.evaluate((element) => { element.scrollTop = 0; });
			await page.waitForTimeout(10);
			most = Math.max(most, await nodes(page));
		}
		return (await page.getByText("first of all").count()) > 0;
	}, "the first message is shown", 600);
	assert.ok(most < 2000, `${most} nodes`);
	assert.deepEqual(page.failures, []);
});

test("match_is_shown_in_its_context_and_the_newest_is_a_click_away", async (t) => {
	const it = word();
	const contents = Array.from({ length: 130 }, (_, n) => (n === 19 ? `here is ${it}` : `line ${n + 1}`));
	const { id } = await conversation(word(), ...contents);
	const page = await browser.page(t, `#q=${it}`);
	await page.locator("parley-list .row").first().click();
	await page.locator("article.target", { hasText: it }).waitFor();
	assert.match(page.url(), new RegExp(`c=${id}`));
	assert.equal(await page.locator("article.target mark").textContent(), it);
	await shown(page, "line 19");
	await page.getByRole("button", { name: "Newest messages" }).click();
	await shown(page, "line 130");
	await page.goBack();
	await page.locator("article.target").waitFor({ state: "detached" });
	assert.deepEqual(page.failures, []);
});

test("keys_lead_through_the_list", async (t) => {
	const it = word();
	const second = await conversation(`${it} second`, it);
	const first = await conversation(`${it} first`, it);
	const page = await browser.page(t, `#q=${it}`);
	await page.locator("parley-list .row").nth(1).waitFor();
	await page.keyboard.press("j");
	await page.waitForURL((url) => url.hash.includes(`c=${first.id}`));
	await page.locator("parley-list .row[aria-current]", { hasText: "first" }).waitFor();
	await page.keyboard.press("j");
	await page.waitForURL((url) => url.hash.includes(`c=${second.id}`));
	await page.keyboard.press("k");
	await page.waitForURL((url) => url.hash.includes(`c=${first.id}`));
	await page.keyboard.press("/");
	assert.ok(await page.getByRole("searchbox").evaluate((element) => element === document.activeElement));
	await page.keyboard.press("Escape");
	await page.keyboard.press("?");
	await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
	await page.keyboard.press("Escape");
	await page.getByRole("dialog").waitFor({ state: "detached" });
});

test("conversation_is_begun_by_phone_also_with_someone_known", async (t) => {
	const number = phone();
	const page = await browser.page(t);
	for (const name of [word(), ""]) {
		await page.keyboard.press("n");
		await page.getByLabel("Phone", { exact: true }).fill(number);
		await page.getByLabel("Name", { exact: true }).fill(name);
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByRole("dialog").waitFor({ state: "detached" });
		await page.locator("parley-contact", { hasText: number }).waitFor();
		await page.goto(browser.url);
	}
});

test("what_another_page_sends_is_seen", async (t) => {
	const { id, contact } = await conversation(word(), "<are you there?");
	const [one, two] = [await browser.page(t, `#c=${id}`), await browser.page(t, `#c=${id}`)];
	await shown(one, "are you there?");
	await shown(two, "are you there?");
	await one.getByRole("textbox", { name: "Write a reply" }).fill("yes");
	await one.keyboard.press("Enter");
	await two.locator("article.own", { hasText: "yes" }).waitFor();
	await created(`POST /conversations/${id}/messages`, { content: "thank you", sender_id: contact.id });
	await one.locator("article.theirs", { hasText: "thank you" }).waitFor();
	assert.equal(await one.locator("article", { hasText: "yes" }).count(), 1);
});

test("strangers_cannot_put_markup_into_the_page", async (t) => {
	const bad = `<img src=x onerror=alert(1)><script>alert(2)</script>"'><b>`;
	const short = `"'><img src=x onerror=alert(4)>`;
	const it = word();
	const { id, contact } = await conversation(`${it} ${bad}`, "<" + bad + it, "javascript:alert(3)");
	await expectStatus(200, `PUT /contacts/${contact.id}`, { attributes: { [bad]: bad, list: [bad] }, email: `"><img/src=x>@${it}.example` });
	const agent = await created("POST /agents", { name: bad, email: `${it}@example.com` });
	await expectStatus(200, `PUT /conversations/${id}/case`, { labels: [short, bad.slice(0, 50)], assignee_id: agent.id });
	await psql("parley", `SELECT parley.post_message(${id}, 'by an agent', caller_id => ${agent.id})`);
	const account = await created(`POST /users/${contact.id}/accounts`, { currency: "EUR", name: bad });
	await created(`POST /users/${contact.id}/accounts/${account.id}/transactions`, { amount: 100, memo: bad });
	const page = await browser.page(t, `#c=${id}&q=${it}&label=${encodeURIComponent(short)}`);
	await page.locator("article.theirs").waitFor();
	await page.locator("parley-contact .account li").waitFor();
	await page.locator("article.own", { hasText: `${bad} ·` }).waitFor();
	await page.locator("parley-list .tag", { hasText: short }).waitFor();
	const planted = () => page.locator("img, main script, main b b").count();
	assert.equal(await planted(), 0);
	await page.locator("parley-contact").getByRole("button", { name: "Edit" }).click();
	assert.equal(await planted(), 0);
	await page.keyboard.press("Escape");
	await page.goto(`${browser.url}#view=wallet&u=${encodeURIComponent(`${it} ${bad}`)}`);
	await page.locator("parley-wallet li a").click();
	await page.locator("parley-wallet td", { hasText: bad }).waitFor();
	assert.equal(await planted(), 0);
	assert.deepEqual(page.failures, []);
});

test("wallet_shows_and_moves_money", async (t) => {
	const { ann, bob } = await pair("hello");
	const [from, to] = [await created(`POST /users/${ann.id}/accounts`, { currency: "EUR" }), await created(`POST /users/${bob.id}/accounts`, { currency: "EUR" })];
	const page = await browser.page(t, `#view=wallet&u=${ann.id}`);
	await page.getByRole("button", { name: "Pay in or out" }).click();
	await page.getByLabel("Amount").fill("12.345");
	await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
	await page.getByRole("alert").getByText("12.345").waitFor();
	await page.getByLabel("Amount").fill("50.20");
	await page.getByLabel("What for").fill("a gift");
	await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
	await page.locator("td", { hasText: "€50.20" }).first().waitFor();
	await page.getByRole("button", { name: "Transfer" }).click();
	await page.getByLabel("To user (id)").fill(String(bob.id));
	await page.getByLabel("To account (id)").fill(String(to.id));
	await page.getByLabel("Amount").fill("20");
	await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
	await page.locator("td.out", { hasText: "-€20.00" }).waitFor();
	assert.equal((await got(`/users/${ann.id}/accounts`))[0].balance, 3020);
	assert.equal((await got(`/users/${bob.id}/accounts`))[0].balance, 2000);
	assert.equal(from.currency, "EUR");
	await picture(page, "wallet");
	assert.deepEqual(page.failures, []);
});

test("page_asks_for_a_token_keeps_it_in_the_tab_alone_and_forgets_it", async (t) => {
	const { createHmac, randomBytes } = await import("node:crypto");
	const { mkdtempSync, rmSync, writeFileSync } = await import("node:fs");
	const secret = randomBytes(32);
	const directory = mkdtempSync("/tmp/parley-page-");
	t.after(() => rmSync(directory, { recursive: true }));
	writeFileSync(`${directory}/key`, secret, { mode: 0o600 });
	const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
	const head = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: "1", role: "operator", exp: Math.floor(Date.now() / 1000) + 600 })}`;
	const token = `${head}.${createHmac("sha256", secret).update(head).digest("base64url")}`;
	const guarded = await Browser.start(["--jwt-key-file", `HS256:${directory}/key`]);
	t.after(() => guarded.stop());
	const it = word();
	await conversation(it, "a secret");

	const page = await guarded.page(t);
	await page.getByLabel("Operator's token").fill("not.a.token");
	await page.getByRole("button", { name: "Sign in" }).click();
	await shown(page, "That token was refused");
	await page.getByLabel("Operator's token").fill(token);
	await page.getByRole("button", { name: "Sign in" }).click();
	await shown(page, it);
	assert.equal(await page.evaluate(() => localStorage.length), 0);
	await page.getByRole("button", { name: "Sign out" }).click();
	await page.getByLabel("Operator's token").waitFor();

	const handed = await guarded.page(t, `#token=${token}&q=${it}`);
	await shown(handed, it);
	assert.ok(!handed.url().includes("token"));
	assert.deepEqual(handed.failures, []);
});

test("slow_and_broken_network_is_said_and_survived", async (t) => {
	const it = word();
	const { id } = await conversation(it, "<hello");
	const page = await browser.page(t, `#c=${id}`);
	await shown(page, "hello");
	let broken = true;
	await page.route("**/conversations?*", (route) => (broken ? route.abort() : route.continue()));
	await search(page, it);
	await shown(page, "The server cannot be reached.");
	broken = false;
	await tryAgain(page, it);

	// When responses arrive out of order, the results for what was typed last stay.
	await page.route("**/conversations?*searchValue=slow*", async (route) => {
		await new Promise((resolve) => setTimeout(resolve, 800));
		await route.continue().catch(() => {});
	});
	await Promise.all([page.waitForRequest(/searchValue=slow/), search(page, "slow" + word())]);
	await search(page, it);
	await page.locator("parley-list .row", { hasText: it }).waitFor();
	await page.waitForTimeout(1000);
	assert.equal(await page.locator("parley-list .row").count(), 1);
});

test("narrow_screen_shows_one_thing_at_a_time", async (t) => {
	const it = word();
	const { id } = await conversation(it, "<hello");
	const page = await browser.page(t, `#q=${it}`, { viewport: { width: 360, height: 700 } });
	await page.locator("parley-list .row").click();
	await shown(page, "hello");
	assert.ok(!(await page.locator("parley-list").isVisible()));
	assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
	await picture(page, "narrow");
	await page.getByRole("link", { name: "Back to the list" }).click();
	await page.locator("parley-list").waitFor();
	assert.ok(!page.url().includes(`c=${id}`));
});
