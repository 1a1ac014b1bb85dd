// Bytes as a client sends them, and responses parsed as RFC 9112 specifies.

import { connect } from "node:net";
import tls from "node:tls";

// Opens a connection to http:// or https://. host is the name in the certificate.
function open(url, { ca, servername }) {
	const { hostname: host, port, protocol } = new URL(url);
	const options = { host, port: Number(port), allowHalfOpen: true };
	return protocol === "https:" ? tls.connect({ ...options, ca, servername, ALPNProtocols: ["http/1.1"] }) : connect(options);
}

// exchange(url, [piece, …]) sends each piece when the one before it has been written, and returns all bytes until the server
// closes. If `end`, shuts down the client's side after the last piece.
export function exchange(url, pieces, { end = false, seconds = 60, ...options } = {}) {
	return new Promise((resolve, reject) => {
		const socket = open(url, options);
		const chunks = [];
		socket.setNoDelay(true);
		socket.setTimeout(seconds * 1000, () => socket.destroy(new Error(`not closed within ${seconds} s: ${Buffer.concat(chunks)}`)));
		socket.on("data", (chunk) => chunks.push(chunk));
		// A server that closes with unread input resets the connection. What it sent before still counts.
		socket.on("error", (error) => (chunks.length === 0 && error.code !== "ECONNRESET" && error.code !== "EPIPE" ? reject(error) : socket.destroy()));
		socket.on("end", () => socket.destroy());
		socket.on("close", () => resolve(Buffer.concat(chunks)));
		const send = (rest) => {
			if (rest.length > 0) socket.write(Buffer.from(rest[0], "latin1"), () => setImmediate(send, rest.slice(1)));
			else if (end) socket.end();
		};
		socket.once(socket.encrypted === undefined ? "connect" : "secureConnect", () => send(pieces));
	});
}

// Returns the responses in bytes: [{ status, headers, body }]. Throws if anything is not a response. heads: which of them are
// responses to HEAD.
export function parseAnswers(bytes, heads = []) {
	const answers = [];
	for (let at = 0; at < bytes.length; ) {
		const end = bytes.indexOf("\r\n\r\n", at);
		const [line, ...lines] = bytes.subarray(at, end).toString("latin1").split("\r\n");
		const [, status] = line.match(/^HTTP\/1\.1 (\d{3}) /) ?? [];
		if (end < 0 || status === undefined) throw new Error(`no answer: ${bytes.subarray(at)}`);
		const headers = new Headers(lines.map((text) => [text.slice(0, text.indexOf(":")), text.slice(text.indexOf(":") + 1)]));
		const isBodyless = Number(status) < 200 || status === "204" || status === "304" || heads[answers.length];
		const length = isBodyless ? 0 : Number(headers.get("content-length"));
		if (!isBodyless && !headers.has("content-length")) throw new Error(`an answer without a length: ${line}`);
		answers.push({ status: Number(status), headers, body: bytes.subarray(end + 4, end + 4 + length).toString() });
		at = end + 4 + length;
		if (at > bytes.length) throw new Error(`an answer that is cut off: ${line}`);
	}
	return answers;
}
