// Debian's Chromium, driven by playwright-core, for the tests of the page, and a gateway that serves the inbox.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root, start_gateway } from "./gateway.mjs";
import { until } from "./http.mjs";

const tools = join(root, "test");
if (!existsSync(join(tools, "node_modules/playwright-core"))) execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: tools, stdio: "ignore" });
const { chromium } = await import(join(tools, "node_modules/playwright-core/index.mjs"));

// Do not look for a network beyond this machine.
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
	"--disable-sync"];

export class Browser {
	static async start(gatewayFlags = [], env = {}) {
		const browser = new Browser();
		browser.gateway = await start_gateway(["--inbox-dir", join(root, "inbox"), ...gatewayFlags], { env });
		browser.program = await chromium.launch({ executablePath: "/usr/bin/chromium", args: flags, timeout: 300000 });
		return browser;
	}

	async stop() {
		await this.program.close();
		await this.gateway.stop();
	}

	get url() {
		return `${this.gateway.base}/inbox/`;
	}

	// A page that fails the test if one of its scripts throws, or if its content security policy is violated.
	async page(t, fragment = "", options = {}) {
		const context = await this.program.newContext({ viewport: { width: 1280, height: 800 }, timezoneId: "Europe/Berlin", ...options });
		context.setDefaultTimeout(120000);
		const page = await context.newPage();
		page.failures = [];
		page.on("pageerror", (error) => page.failures.push(error.stack));
		page.on("console", (message) => /Content Security Policy|Trusted/.test(message.text()) && page.failures.push(message.text()));
		page.on("dialog", (dialog) => {
			page.failures.push(`a dialog of the browser's own: ${dialog.message()}`);
			dialog.dismiss();
		});
		t.after(() => context.close());
		await page.goto(this.url + fragment);
		return page;
	}
}

// Waits until what is typed goes into an element.
export const focused = (element) => until(() => element.evaluate((node) => node === document.activeElement), "it has the focus");

// Loads the list again, and waits until it shows this text. Any news may have loaded it already.
export const tryAgain = (page, text) => until(async () => {
	await page.getByRole("button", { name: "Try again" }).click({ timeout: 1000 }).catch(() => {});
	return (await page.locator("parley-list .row", { hasText: text }).count()) > 0;
}, "the list is there again");

// Screenshots are written to the directory PARLEY_SCREENSHOTS.
export async function picture(page, name) {
	const folder = process.env.PARLEY_SCREENSHOTS;
	if (!folder) return;
	mkdirSync(folder, { recursive: true });
	await page.screenshot({ path: join(folder, `${name}.png`) });
}

// What the checker of accessibility, with its best practices, finds. It is a script from elsewhere, which the page's policy would not
// run, so it runs in the debugger.
export async function violations(page) {
	const session = await page.context().newCDPSession(page);
	await session.send("Runtime.evaluate", { expression: readFileSync(join(tools, "node_modules/axe-core/axe.min.js"), "utf8") });
	const { result } = await session.send("Runtime.evaluate", { awaitPromise: true, returnByValue: true,
		expression: "axe.run().then(({ violations }) => violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html).join(' ')))" });
	return result.value;
}
