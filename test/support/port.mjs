// Ports for servers of the tests.

import { once } from "node:events";
import { createServer } from "node:net";

// Below what the kernel gives to connections (32768 and up): one of those may take a port between our look and the server's start.
const FIRST = 10000, LAST = 32000;

async function isFree(port) {
	const server = createServer().listen(port, "127.0.0.1");
	try {
		await once(server, "listening");
	} catch {
		return false;
	}
	server.close();
	await once(server, "close");
	return true;
}

// Returns the first of `count` ports in a row that nobody listens on.
export async function freePort(count = 1) {
	for (;;) {
		const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
		let free = 0;
		while (free < count && await isFree(port + free)) free++;
		if (free === count) return port;
	}
}
