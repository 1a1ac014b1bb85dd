// Search folds case as ILIKE does in a database of each locale provider that the server has.

import assert from "node:assert/strict";
import { test } from "node:test";
import { psql } from "../support/database.mjs";

const version = Number(await psql("postgres", "SHOW server_version_num"));
const providers = {
	libc: "LOCALE 'C.UTF-8'",
	c: "LOCALE 'C'",
	icu: "LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C.UTF-8'",
	turkish_icu: "LOCALE_PROVIDER icu ICU_LOCALE 'tr' LOCALE 'C.UTF-8'",
	...(version >= 170000 && {
		builtin: "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C.UTF-8'",
		builtin_c: "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C' LOCALE 'C'",
	}),
	...(version >= 180000 && { builtin_unicode: "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'PG_UNICODE_FAST' LOCALE 'C.UTF-8'" }),
};
const words = ["Straße", "STRASSE", "İSTANBUL", "istanbul", "ISTANBUL", "ısparta", "ΌΣΟΣ", "όσος", "όσοσ", "Ǆungla", "ǆungla", "ÀÉÎ", "àéî",
	"Zoë 🙂", "ﬁn", "K"];

for (const [name, options] of Object.entries(providers))
	test(`search_folds_as_ilike_does_with_${name}`, async (t) => {
		const database = `provider_${name}`;
		await psql("postgres", `DROP DATABASE IF EXISTS ${database}`);
		await psql("postgres", `CREATE DATABASE ${database} TEMPLATE template0 ENCODING 'UTF8' ${options}`);
		t.after(() => psql("postgres", `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`));
		await psql(database, "CREATE EXTENSION parley CASCADE");
		const list = words.map((word) => `'${word}'`).join();
		const differing = await psql(database, `
			SELECT parley.create_contact(name => 'someone ' || n) FROM generate_series(1, ${words.length}) n;
			SELECT parley.post_message((o).id, 'about ' || word)
				FROM unnest(ARRAY[${list}]) WITH ORDINALITY AS w(word, n)
				JOIN parley.contacts c ON c.name = 'someone ' || n, parley.open_contact_conversation(c.id) o;
			SELECT term FROM unnest(ARRAY[${list}]) term
			WHERE (SELECT array_agg(content::text ORDER BY content COLLATE "C") FROM parley.list_conversations(term))
				IS DISTINCT FROM (SELECT array_agg(content::text ORDER BY content COLLATE "C") FROM parley.messages
					WHERE content ILIKE '%' || term || '%')`);
		assert.deepEqual(differing.split("\n").filter((line) => !line.startsWith("(")), []);
	});
