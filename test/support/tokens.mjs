// Bearer tokens, and the key file that verifies them.

import { createHmac, randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

const base64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

// Returns { file, sign(claims) }: a new secret in a file for --jwt-key-file that is removed at the end. The claims expire in an
// hour unless they say otherwise. isShared: gateways of the cluster's user can read it.
export function makeKey({ isShared = false } = {}) {
	const directory = mkdtempSync(join(tmpdir(), "parley-key-"));
	if (isShared) chmodSync(directory, 0o755);
	after(() => rmSync(directory, { recursive: true }));
	const secret = randomBytes(32).toString("hex");
	const file = join(directory, "secret");
	writeFileSync(file, secret, { mode: isShared ? 0o644 : 0o600 });
	const sign = (claims) => {
		const text = `${base64({ alg: "HS256", typ: "JWT" })}.${base64({ exp: Math.floor(Date.now() / 1000) + 3600, ...claims })}`;
		return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
	};
	return { file: `HS256:${file}`, sign };
}
