// Works out what the ledger must have done from its responses alone: every operation in the order of the numbers that it
// returned, every refusal against the balances at that time, and every row of the tables against an operation.

import assert from "node:assert/strict";

export const name = (userId, accountId) => `${userId}/${accountId}`;

// Returns what one operation does to accounts: [{ account, amount }], the paying line first.
const lines = (operation) => operation.kind === "transfer"
	? [{ account: operation.account, amount: -operation.amount }, { account: operation.to, amount: operation.amount }]
	: [{ account: operation.account, amount: operation.amount }];

export class Model {
	#operations = [];
	#highest = new Map(); // account: the highest number in any response so far

	#see(account, number) {
		this.#highest.set(account, Math.max(this.#highest.get(account) ?? 0, number));
	}

	// Call this before a request: whatever is committed by now, the request sees.
	begin(operation) {
		operation.seen = lines(operation).map(({ account }) => this.#highest.get(account) ?? 0);
		this.#operations.push(operation);
		return operation;
	}

	// answer: { numbers: [of each line], balance } or { refused, balance: as it says }
	end(operation, answer) {
		assert.ok(answer.numbers !== undefined || answer.refused === "PY409", JSON.stringify([operation, answer]));
		if (operation.answer !== undefined) {
			assert.deepEqual(answer, operation.answer, `a replay of ${operation.key} gets the first answer`);
			return;
		}
		operation.answer = answer;
		answer.numbers?.forEach((number, i) => this.#see(lines(operation)[i].account, number));
	}

	// Returns any operation that has a response, to be repeated.
	answered(random) {
		const candidate = this.#operations[Math.floor(random() * this.#operations.length)];
		return candidate?.answer === undefined ? undefined : candidate;
	}

	// rows: all of parley.transactions, in the order of (user_id, account_id, number)
	compare(rows) {
		const expected = new Map();
		for (const operation of this.#operations) {
			assert.ok(operation.answer, `${operation.key} was answered`);
			operation.answer.numbers?.forEach((number, i) => {
				const { account, amount } = lines(operation)[i];
				const place = `${account}/${number}`;
				assert.ok(!expected.has(place), `${place} is of ${operation.key} alone`);
				expected.set(place, { amount, memo: operation.memo, key: i === 0 ? operation.key : null, operation, paying: i === 0 });
			});
		}
		const balances = this.#compareLines(rows, expected);
		for (const operation of this.#operations) if (operation.answer.refused) this.#compareRefusal(operation, balances);
		return { posted: rows.length, refused: this.#operations.filter(({ answer }) => answer.refused).length };
	}

	#compareLines(rows, expected) {
		const balances = new Map(); // account: the balance after each of its lines, from 0
		for (const row of rows) {
			const account = name(row.user_id, row.account_id);
			const place = `${account}/${row.number}`;
			const line = expected.get(place);
			assert.ok(line, `somebody asked for ${place}: ${JSON.stringify(row)}`);
			const after = balances.get(account) ?? [0];
			assert.equal(row.number, after.length, `${place} follows the one before`);
			after.push(after.at(-1) + line.amount);
			balances.set(account, after);
			assert.deepEqual([row.amount, row.balance, row.memo, row.idempotency_key], [line.amount, after.at(-1), line.memo, line.key], place);
			assert.ok(after.at(-1) >= 0, `${place} is covered`);
			if (line.paying) assert.equal(line.operation.answer.balance, row.balance, `${place} was answered with its balance`);
			expected.delete(place);
		}
		assert.deepEqual([...expected.keys()], [], "nothing that was answered is lost");
		return balances;
	}

	// The balance in a refusal must be one that the account had since the request was made, and too low.
	#compareRefusal(operation, balances) {
		const { account, amount } = lines(operation)[0];
		const since = (balances.get(account) ?? [0]).slice(operation.seen[0]);
		assert.ok(since.includes(operation.answer.balance), `${operation.key} was refused by a balance that there was`);
		assert.ok(operation.answer.balance + amount < 0, `${operation.key} was not covered`);
	}
}
