// What owners do to a schema: parley works as PostgreSQL would, or refuses with an error. The ledger and search test their own
// tables in more detail.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { psql } from "../support/database.mjs";

const database = "hostile_owners";

const fill = `
	SET search_path = parley, public;
	SELECT create_contact('Ann', '+1-800-555-1234'), create_contact('Zoë', '(030) 1234 567'), create_contact('Cem');
	SELECT open_contact_conversation(id) FROM contacts;
	SELECT open_direct_conversation(1, 2);
	SELECT post_message(c.id, 'a movie ' || n) FROM (SELECT id FROM conversations) c, generate_series(1, 5) n;
	SELECT open_account(1, 'EUR'), open_account(2, 'EUR');
	SELECT post_transaction(1, 1, 100000, caller_role => 'operator');
	SELECT create_chat(token) FROM create_application('an application')`;

// Everything an installation depends on, as a caller sees it.
const use = `
	SELECT (parley.create_contact('next')).name, (parley.post_message(c.id, 'another movie')).message_id IS NOT NULL
		FROM (SELECT min(id) AS id FROM parley.conversations) c;
	SELECT count(*) >= 4 FROM parley.list_conversations('movie');
	SELECT (parley.open_contact_conversation((parley.create_contact('one more')).id)).created;
	SELECT refused FROM parley.post_transaction(1, 1, -10);
	SELECT replayed FROM parley.post_transfer(1, 1, 2, 1, 5);
	SELECT last_number >= 1 FROM parley.applications a, LATERAL (SELECT (parley.create_chat(a.token)).number AS last_number) c;
	SELECT rule FROM parley.audit_ledger() UNION ALL SELECT rule FROM parley.audit_conversations()`;

before(async () => {
	await psql("postgres", `DROP DATABASE IF EXISTS ${database}`);
	await psql("postgres", "DROP DATABASE IF EXISTS hostile_template");
	await psql("postgres", "CREATE DATABASE hostile_template TEMPLATE template0");
	await psql("hostile_template", "CREATE EXTENSION parley CASCADE");
	await psql("hostile_template", fill);
});
beforeEach(async () => {
	await psql("postgres", `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
	await psql("postgres", `CREATE DATABASE ${database} TEMPLATE hostile_template`);
});
after(async () => {
	for (const name of [database, "hostile_template"]) await psql("postgres", `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
});

const tables = ["contacts", "conversations", "members", "messages", "accounts", "transactions", "applications", "transfers", "refusals", "expense_peaks"];
const each = (statement) => tables.map((table) => statement.replaceAll("$t", table)).join("; ");

const wanted = "next|t\nt\nt\n\nf\nt";
const changes = {
	"a column more": each("ALTER TABLE parley.$t ADD COLUMN note text"),
	"a column more with a default": each("ALTER TABLE parley.$t ADD COLUMN note text NOT NULL DEFAULT 'x'"),
	"a column that came and went": each("ALTER TABLE parley.$t ADD COLUMN note int, ADD COLUMN other text; ALTER TABLE parley.$t DROP COLUMN note"),
	"a generated column": each("ALTER TABLE parley.$t ADD COLUMN note text GENERATED ALWAYS AS ('x') STORED"),
	"a CHECK that holds": each("ALTER TABLE parley.$t ADD CHECK ($t IS DISTINCT FROM NULL)"),
	"a trigger that looks on": `CREATE FUNCTION public.look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; ${
		each("CREATE TRIGGER look BEFORE INSERT ON parley.$t FOR EACH ROW EXECUTE FUNCTION public.look()")}`,
	"a trigger that keeps a journal": `CREATE TABLE public.journal (what text); GRANT INSERT ON public.journal TO parley_owner;
		CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.journal VALUES (TG_TABLE_NAME); RETURN NULL; END $$; ${
		each("CREATE TRIGGER note AFTER INSERT ON parley.$t FOR EACH ROW EXECUTE FUNCTION public.note()")}`,
	"foreign keys of the owner's": `CREATE TABLE public.mine (contact bigint REFERENCES parley.contacts, conversation bigint REFERENCES parley.conversations,
		u bigint, a bigint, FOREIGN KEY (u, a) REFERENCES parley.accounts); INSERT INTO public.mine SELECT 1, min(id), 1, 1 FROM parley.conversations`,
	"REINDEX": "REINDEX SCHEMA parley", "CLUSTER": "CLUSTER parley.messages USING messages_pkey; CLUSTER parley.accounts USING accounts_pkey; CLUSTER parley.contacts USING contacts_pkey",
	"rewritten tables": each("ALTER TABLE parley.$t SET (fillfactor = 50)") + "; " + each("ALTER TABLE parley.$t SET TABLESPACE pg_default"),
	"renamed constraints": `DO $$ DECLARE c record; BEGIN FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint WHERE connamespace = 'parley'::regnamespace
		AND contype IN ('p', 'u', 'c') AND conrelid <> 0 LOOP EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', c.t, c.conname, 'renamed_' || c.conname); END LOOP; END $$`,
	"partitions of the owner's": `CREATE TABLE public.all_accounts (LIKE parley.accounts INCLUDING ALL) PARTITION BY RANGE (user_id);
		ALTER TABLE public.all_accounts ATTACH PARTITION parley.accounts FOR VALUES FROM (1) TO (1000000);
		CREATE TABLE public.all_messages (LIKE parley.messages INCLUDING ALL) PARTITION BY RANGE (conversation_id);
		ALTER TABLE public.all_messages ATTACH PARTITION parley.messages FOR VALUES FROM (1) TO (MAXVALUE)`,
	"partitioned copies": `CREATE TABLE public.copies (LIKE parley.messages INCLUDING ALL) PARTITION BY HASH (conversation_id);
		CREATE TABLE public.copy PARTITION OF public.copies FOR VALUES WITH (MODULUS 1, REMAINDER 0); INSERT INTO public.copies SELECT * FROM parley.messages`,
	"statement triggers": `CREATE FUNCTION public.look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; ${
		each("CREATE TRIGGER before BEFORE INSERT OR UPDATE ON parley.$t EXECUTE FUNCTION public.look(); CREATE TRIGGER after AFTER INSERT OR UPDATE ON parley.$t EXECUTE FUNCTION public.look()")}`,
	"rights revoked from all but the owner": "REVOKE ALL ON ALL TABLES IN SCHEMA parley FROM PUBLIC, parley_operator, parley_gateway",
	"replica identity": each("ALTER TABLE parley.$t REPLICA IDENTITY FULL"),
	"publications": "CREATE PUBLICATION hostile FOR ALL TABLES",
	"statistics and another index": "CREATE STATISTICS public.s ON sender_id, conversation_id FROM parley.messages; CREATE INDEX ON parley.messages (sender_id); ANALYZE",
	"row security for somebody else": each("ALTER TABLE parley.$t ENABLE ROW LEVEL SECURITY"),
	"tables without logging": "ALTER TABLE parley.expense_peaks SET UNLOGGED",
};
for (const [name, statement] of Object.entries(changes))
	test(`goes on with ${name}`, async () => {
		await psql(database, statement);
		assert.equal(await psql(database, use), wanted);
	});

const refused = {
	"a CHECK on contacts": ["ALTER TABLE parley.contacts ADD CONSTRAINT mine CHECK (name <> 'next')", /violates check constraint "mine"/],
	"a CHECK on messages": ["ALTER TABLE parley.messages ADD CONSTRAINT mine CHECK (content <> 'another movie')", /violates check constraint "mine"/],
	"a CHECK on accounts": ["ALTER TABLE parley.accounts ADD CONSTRAINT mine CHECK (balance >= 100000 OR user_id <> 1)", /violates check constraint "mine"/],
	"a trigger without rights": [`CREATE TABLE public.journal (what text); CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql
		AS $$ BEGIN INSERT INTO public.journal VALUES ('x'); RETURN NULL; END $$; CREATE TRIGGER note AFTER INSERT ON parley.contacts FOR EACH ROW EXECUTE FUNCTION public.note()`,
	/permission denied for table journal/],
	"a column that must be given": ["ALTER TABLE parley.contacts ADD COLUMN must text NOT NULL DEFAULT 'x'; ALTER TABLE parley.contacts ALTER must DROP DEFAULT",
		/null value in column "must"/],
	"a partition that does not take the row": [`CREATE TABLE public.all_transactions (LIKE parley.transactions INCLUDING ALL) PARTITION BY RANGE (number);
		ALTER TABLE public.all_transactions ATTACH PARTITION parley.transactions FOR VALUES FROM (1) TO (2)`, /violates partition constraint/],
	"a partitioned table in the place of accounts": [`ALTER TABLE parley.accounts RENAME TO accounts_before;
		CREATE TABLE parley.accounts (LIKE parley.accounts_before INCLUDING ALL) PARTITION BY HASH (user_id)`, /permission denied|is not an ordinary table/],
	"a partitioned table in the place of messages": [`ALTER TABLE parley.messages RENAME TO messages_before;
		CREATE TABLE parley.messages (LIKE parley.messages_before INCLUDING ALL) PARTITION BY HASH (conversation_id);
		ALTER TABLE parley.messages OWNER TO parley_owner; ALTER TABLE parley.messages ATTACH PARTITION parley.messages_before FOR VALUES WITH (MODULUS 1, REMAINDER 0)`,
	/is not a plain table/],
	"triggers with transition tables": [`CREATE FUNCTION public.look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
		CREATE TRIGGER look AFTER INSERT ON parley.transactions REFERENCING NEW TABLE AS made EXECUTE FUNCTION public.look()`, /trigger with a transition table/],
	"session_replication_role = replica": [`ALTER DATABASE ${database} SET session_replication_role = replica`, /null value in column "id"/],
	"an index that is gone": ["DROP INDEX parley.contacts_phone_digits_key; SELECT parley.create_contact('x', '+1-800-555-9999')", null],
};
for (const [name, [statement, message]] of Object.entries(refused))
	test(`is refused in words: ${name}`, async () => {
		await psql(database, statement);
		if (message !== null) await assert.rejects(psql(database, use), message);
		else assert.equal(await psql(database, use), wanted);
	});

test("what is truncated is refused, or known by the audits", async () => {
	for (const table of ["transactions", "transfers", "refusals"])
		await assert.rejects(psql(database, `TRUNCATE parley.${table} CASCADE`), /cannot be changed/, table);
	await assert.rejects(psql(database, "TRUNCATE parley.accounts, parley.transactions"), /cannot be changed/);
	for (const [table, rule] of [["messages", /./], ["accounts", /a transaction has its account/], ["members", /./]]) {
		const rules = await psql(database, `BEGIN; TRUNCATE parley.${table} CASCADE; SELECT string_agg(rule, '; ') FROM (SELECT rule FROM parley.audit_ledger()
			UNION ALL SELECT rule FROM parley.audit_conversations()) r`);
		assert.match(rules, rule, table);
	}
});

test("a search and a sync run in a parallel worker; a posting is refused there", async () => {
	await psql(database, `CREATE FUNCTION public.found(term text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
		AS $$ SELECT string_agg(conversation_id || '.' || message_id, ' ') FROM parley.list_conversations(term) $$;
		CREATE FUNCTION public.pay() RETURNS bigint LANGUAGE sql PARALLEL SAFE AS 'SELECT balance FROM parley.post_transaction(1, 1, -1)';
		CREATE FUNCTION public.news() RETURNS json LANGUAGE sql PARALLEL SAFE AS 'SELECT row_to_json(s) FROM parley.sync(1) s'`);
	const setting = Number(await psql(database, "SHOW server_version_num")) >= 160000 ? "debug_parallel_query" : "force_parallel_mode";
	for (const term of ["movie", "ann", ""])
		for (const method of ["auto", "walk", "index"])
			assert.equal(await psql(database, `SET ${setting} = on; SET parley.search_method = ${method}; SELECT public.found('${term}')`),
				await psql(database, `SET parley.search_method = ${method}; SELECT public.found('${term}')`), `${term} by ${method}`);
	assert.match(await psql(database, `SET ${setting} = on; SELECT public.news()`), /"messages":\[\{/);
	await assert.rejects(psql(database, `SET ${setting} = on; SELECT public.pay()`), /cannot execute posting during a parallel operation/);
});

test("an ICU database is refused or answers like the oracle", async (t) => {
	await psql("postgres", "DROP DATABASE IF EXISTS hostile_icu");
	await psql("postgres", "CREATE DATABASE hostile_icu TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' LOCALE 'C.UTF-8'");
	t.after(() => psql("postgres", "DROP DATABASE IF EXISTS hostile_icu WITH (FORCE)"));
	await psql("hostile_icu", "CREATE EXTENSION parley CASCADE");
	await psql("hostile_icu", `SELECT parley.post_message(c.id, content) FROM parley.create_contact('Ann') p, parley.open_contact_conversation(p.id) c,
		unnest(ARRAY['Straße und GRÖSSE', 'İstanbul', 'ΣΊΣΥΦΟΣ']) content`);
	for (const term of ["größe", "straße", "istanbul", "i̇stanbul", "σίσυφος", "σίσυφοσ", "ann"])
		assert.equal(await psql("hostile_icu", `SELECT count(*) FROM parley.list_conversations('${term}')`),
			await psql("hostile_icu", `SELECT count(DISTINCT conversation_id) FROM parley.messages m WHERE content ILIKE '%${term}%' OR 'Ann' ILIKE '%${term}%'`), term);
	// İ folds to two characters in this locale.
	await psql("hostile_icu", "SELECT parley.post_message(min(conversation_id), 'İİ, GRÖSSE') FROM parley.messages");
	assert.equal(await psql("hostile_icu", "SELECT match_start, match_length FROM parley.list_conversations('grösse')"), "5|6");
});
