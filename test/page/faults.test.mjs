// The inbox while something is wrong: PostgreSQL restarts, the network is down or slow, messages cross. Nothing is lost, and the page
// tells the operator what it does not know.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Browser, tryAgain } from "../support/browser.mjs";
import { root, run } from "../support/database.mjs";
import { until } from "../support/http.mjs";
import { conversation, created, got, word } from "../support/people.mjs";

let browser;
before(async () => { browser = await Browser.start(); });
after(() => browser?.stop());

const cluster = (command) => run("bash", [join(root, "deploy/local/cluster.sh"), command, process.env.PARLEY_RUN_DIR]);
const contents = (page) => page.locator("parley-conversation .rows article p").allTextContents();
const reply = async (page, content) => {
	await page.getByRole("textbox", { name: "Write a reply" }).fill(content);
	await page.keyboard.press("Enter");
};

test("restart_of_postgresql_is_survived", async (t) => {
	t.after(() => cluster("start").catch(() => {}));
	const it = word();
	const { id, contact } = await conversation(it, "<before");
	const page = await browser.page(t, `#q=${it}&c=${id}`);
	await page.locator("article", { hasText: "before" }).waitFor();
	await page.locator("#connection.live").waitFor();

	await cluster("stop");
	await reply(page, "meanwhile");
	await page.getByText("Not sent:").waitFor();
	await page.getByRole("searchbox").fill(it.slice(0, -1));
	await page.locator("parley-list .state button", { hasText: "Try again" }).waitFor();
	await cluster("start");
	await until(async () => (await fetch(`${browser.gateway.base}/ready`)).status === 200, "the page's gateway is ready");
	await tryAgain(page, it);
	await page.getByRole("button", { name: "Send again" }).click();
	await page.locator("article.own:not(.waiting)", { hasText: "meanwhile" }).waitFor();
	await until(async () => (await fetch(`${process.env.PARLEY_URL}/ready`)).status === 200, "the tests' own gateway is ready");
	await created(`POST /conversations/${id}/messages`, { content: "after", sender_id: contact.id });
	await page.locator("article", { hasText: "after" }).waitFor();
	assert.deepEqual(await contents(page), ["before", "meanwhile", "after"]);
	assert.deepEqual(page.failures, []);
});

test("more_messages_than_a_page_while_it_was_cut_off_leave_no_gap", async (t) => {
	const { id, contact } = await conversation(word(), "<first");
	const page = await browser.page(t, `#c=${id}`);
	await page.locator("#connection.live").waitFor();
	await page.context().setOffline(true);
	for (let n = 1; n <= 60; n++) await created(`POST /conversations/${id}/messages`, { content: `line ${n}`, sender_id: contact.id });
	await page.context().setOffline(false);
	await page.locator("article", { hasText: "line 60" }).waitFor();
	await until(async () => {
		await page.locator("parley-conversation .scroller").evaluate((element) => { element.scrollTop = 0; });
		return (await contents(page)).length === 61;
	}, "all lines");
	assert.deepEqual(await contents(page), ["first", ...Array.from({ length: 60 }, (_, n) => `line ${n + 1}`)]);
});

test("older_messages_that_could_not_be_loaded_are_asked_for_again", async (t) => {
	const { id } = await conversation(word(), ...Array.from({ length: 60 }, (_, n) => `line ${n + 1}.`));
	const page = await browser.page(t);
	let asked = 0;
	await page.route(`**/conversations/${id}/messages?*`, (route) => (asked++ === 0 ? route.abort() : route.continue()));
	await page.goto(`${browser.url}#c=${id}`);
	await page.locator("article", { hasText: "line 60." }).waitFor();
	await page.locator("parley-conversation .scroller").evaluate((element) => { element.scrollTop = 0; });
	await page.locator("article", { hasText: "line 1." }).waitFor({ state: "attached" });
	assert.ok(asked > 1, `asked ${asked} times`);
});

test("message_that_crosses_a_reply_stands_before_it", async (t) => {
	const { id, contact } = await conversation(word(), "<first");
	const page = await browser.page(t, `#c=${id}`);
	await page.locator("#connection.live").waitFor();
	// The contact's message reaches the page late, after the response to the reply, which has a higher number.
	let let_go;
	const held = new Promise((resolve) => { let_go = resolve; });
	await page.route(`**/conversations/${id}`, (route) => held.then(() => route.continue()).catch(() => {}));
	await created(`POST /conversations/${id}/messages`, { content: "second", sender_id: contact.id });
	await reply(page, "third");
	await page.locator("article.own:not(.waiting)", { hasText: "third" }).waitFor();
	let_go();
	await page.locator("article", { hasText: "second" }).waitFor();
	assert.deepEqual(await contents(page), ["first", "second", "third"]);
});

test("reply_that_was_not_sent_is_still_there_after_looking_elsewhere", async (t) => {
	const [here, there] = [await conversation(word(), "<here"), await conversation(word(), "<there")];
	const page = await browser.page(t, `#c=${here.id}`);
	await page.locator("article", { hasText: "here" }).waitFor();
	let broken = true;
	await page.route("**/messages", (route) => (broken ? route.abort() : route.continue()));
	await reply(page, "lost?");
	await page.getByText("Not sent:").waitFor();
	await page.getByRole("textbox", { name: "Write a reply" }).fill("a draft");
	await page.goto(`${browser.url}#c=${there.id}`);
	await page.locator("article", { hasText: "there" }).waitFor();
	assert.equal(await page.locator(".waiting").count(), 0);
	await page.goBack();
	await page.getByText("Not sent:").waitFor();
	assert.equal(await page.getByRole("textbox", { name: "Write a reply" }).inputValue(), "a draft");
	broken = false;
	await page.getByRole("button", { name: "Send again" }).click();
	await page.locator("article.own:not(.waiting)", { hasText: "lost?" }).waitFor();
	assert.deepEqual((await got(`/conversations/${here.id}/messages`)).map(({ content }) => content), ["here", "lost?"]);
});

test("slow_network_keeps_old_rows_and_says_that_it_is_busy", async (t) => {
	const it = word();
	await conversation(it, "hello");
	const page = await browser.page(t, `#q=${it}`);
	await page.locator("parley-list .row").waitFor();
	let let_go;
	const held = new Promise((resolve) => { let_go = resolve; });
	await page.route("**/conversations?*", (route) => held.then(() => route.continue()).catch(() => {}));
	await page.getByRole("searchbox").fill(it.slice(0, -1));
	await page.locator("parley-list[aria-busy]").waitFor();
	assert.equal(await page.locator("parley-list .row").count(), 1);
	let_go();
	await page.locator("parley-list:not([aria-busy])").waitFor();
	assert.equal(await page.locator("parley-list .row").count(), 1);
	assert.deepEqual(page.failures, []);
});

test("without_push_it_looks_by_itself_and_says_so", async (t) => {
	const { id, contact } = await conversation(word(), "<first");
	const page = await browser.page(t, "#view=wallet");
	await page.route("**/events", (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: "{}" }));
	await page.goto(`${browser.url}#c=${id}`);
	await page.reload();
	await page.getByText("Push is not set up").waitFor();
	await created(`POST /conversations/${id}/messages`, { content: "second", sender_id: contact.id });
	await page.locator("article", { hasText: "second" }).waitFor();
	assert.deepEqual(page.failures, []);
});
