-- The demo's story: a few conversations that read like life, with the agents, cases, accounts and the receipt that go with them.
-- `populate --story` runs it as a superuser, in one transaction, after the generated data. Times are relative to now; only money
-- moves now, because the ledger accepts no other time.

CREATE TEMP TABLE agents (key text, name text, email text, id bigint) ON COMMIT DROP;
INSERT INTO agents (key, name, email) VALUES
	('mara', 'Mara Lindt', 'mara@support.example'),
	('tom', 'Tom Okafor', 'tom@support.example'),
	('yasmin', 'Yasmin Azoulay', 'yasmin@support.example');
UPDATE agents a SET id = (parley.create_agent(a.name, a.email)).id;

-- status, assignee, labels and snoozed_in describe the case; unread is the number of messages that the operator has not read.
CREATE TEMP TABLE people (
	key text, name text, phone text, email text, attributes jsonb,
	status text, assignee text, labels jsonb, snoozed_in interval, unread integer, id bigint, conversation_id bigint) ON COMMIT DROP;
INSERT INTO people VALUES
	('olu', 'Olu Adeyemi', '+234 1 555 0142', NULL, '{"city": "Lagos", "plan": "Family"}', NULL, NULL, NULL, NULL, 0),
	('grace', 'Grace Kim', '+1 (555) 010-0142', 'grace@mail.example', '{"city": "Oakland", "plan": "Family"}', NULL, NULL, NULL, NULL, 0),
	('ravi', 'Ravi Menon', '+91 20 5550 0142', 'ravi.menon@mail.example', '{"city": "Pune", "plan": "Premium", "card ends in": "4417"}',
		'open', 'mara', '["card", "urgent"]', NULL, 2),
	('tomas', 'Tomás Ibáñez', '+34 910 550 142', NULL, '{"city": "Sevilla", "language": "es"}', 'open', NULL, '["standing order"]', NULL, 1),
	('laila', 'ليلى حداد', '+961 1 990 142', 'laila@mail.example', '{"city": "بيروت", "language": "ar", "plan": "Premium"}',
		'open', 'yasmin', '["transfer"]', NULL, 0),
	('nora', 'Nora Lindqvist', NULL, 'nora.lindqvist@mail.example', '{"language": "sv"}', 'open', NULL, NULL, NULL, 1),
	('dana', 'דנה לוי', '+972 2 555 0142', NULL, '{"city": "חיפה", "language": "he"}',
		'snoozed', 'yasmin', '["invoice"]', '17 hours', 0),
	('kenji', '佐藤健司', '+81 3-5550-0142', NULL, '{"city": "大阪", "language": "ja"}', 'resolved', 'tom', NULL, NULL, 0),
	('lena', 'Lena Vogel', '+49 171 3920142', 'lena.vogel@mail.example', '{"city": "Leipzig", "language": "de"}',
		'resolved', 'mara', '["refund"]', NULL, 0),
	('amadou', 'Amadou Diallo', '+33 1 99 00 01 42', NULL, '{"city": "Lyon", "language": "fr"}', 'resolved', 'tom', NULL, NULL, 0);
UPDATE people p SET id = (parley.create_contact(p.name, p.phone, p.email, p.attributes)).id;
SELECT parley.register_contact(id) FROM people;
UPDATE people p SET conversation_id = (parley.open_contact_conversation(p.id)).id WHERE status IS NOT NULL;
UPDATE people p SET conversation_id = (parley.open_direct_conversation(o.id, g.id)).id
	FROM people o, people g WHERE o.key = 'olu' AND g.key = 'grace' AND p.key IN ('olu', 'grace');

-- agent: who replies; null if the contact writes.
CREATE TEMP TABLE lines (place serial, key text, ago interval, agent text, content text) ON COMMIT DROP;
INSERT INTO lines (key, ago, agent, content) VALUES
	('amadou', '3 days 2 hours', NULL, 'Bonjour, comment changer mon numéro de téléphone ?'),
	('amadou', '3 days 110 minutes', 'tom', 'Bonjour Amadou ! Répondez-moi avec le nouveau, je m’en occupe.'),
	('amadou', '3 days 95 minutes', NULL, '+33 1 99 00 01 42, merci d’avance'),
	('amadou', '3 days 94 minutes', 'tom', 'C’est fait ✅'),
	('lena', '2 days 5 hours', NULL, 'Guten Tag, ich habe aus Versehen zweimal bezahlt.'),
	('lena', '2 days 4 hours', 'mara', 'Guten Tag Frau Vogel, das sehe ich. Die 18,90 € sind unterwegs zu Ihnen.'),
	('lena', '26 hours', NULL, 'Ist angekommen. Danke für die schnelle Hilfe! 👍'),
	('kenji', '25 hours', NULL, 'こんにちは。円の口座も開けますか？'),
	('kenji', '24 hours', 'tom', 'はい、開けます。今お作りしました。'),
	('kenji', '23 hours', NULL, 'ありがとうございます！🙏'),
	('dana', '5 hours', NULL, 'שלום, אפשר לקבל חשבונית על התשלום מאתמול?'),
	('dana', '4 hours', 'yasmin', 'שלום דנה, בוודאי. אשלח אותה מחר בבוקר.'),
	('nora', '200 minutes', NULL, 'Hi, I only have an email address at the moment. Is that a problem?'),
	('nora', '190 minutes', 'tom', 'Not at all, Nora. We can do everything here.'),
	('nora', '100 minutes', NULL, 'Lovely! Then how do I add money?'),
	('laila', '95 minutes', NULL, 'صباح الخير، حوّلت ١٢٠ يورو أمس ولم تصل بعد.'),
	('laila', '90 minutes', 'yasmin', 'صباح النور ليلى، أتحقق من الأمر الآن.'),
	('laila', '70 minutes', 'yasmin', 'وصل المبلغ إلى البنك، وسيظهر في حسابك خلال ساعة.'),
	('laila', '65 minutes', NULL, 'ممتاز، شكراً جزيلاً 🌷'),
	('tomas', '40 minutes', NULL, '¡Hola! ¿Puedo pagar el alquiler automáticamente cada mes?'),
	('ravi', '21 hours', NULL, 'Hello, I think I left my card in a taxi 😬 Can you block it?'),
	('ravi', '1250 minutes', 'mara', 'Hello Ravi, done: it is blocked. The last payment with it was yours, yesterday at noon.'),
	('ravi', '1248 minutes', NULL, 'Oh good. How long does a new one take?'),
	('ravi', '1245 minutes', 'mara', 'Three working days. It goes to the address that we have for you in Pune.'),
	('ravi', '1243 minutes', NULL, 'Perfect, thank you'),
	('ravi', '9 minutes', NULL, 'You won’t believe it: the driver just called, he has the card! 🎉'),
	('ravi', '8 minutes', NULL, 'Can you unblock it again?'),
	('olu', '50 minutes', NULL, 'That was a lovely evening, thanks for booking! What do I owe you?'),
	('grace', '47 minutes', NULL, 'It was 98 € for the four of us, so 24.50 😊'),
	('olu', '46 minutes', NULL, 'One moment');

-- Post the messages one after another, then set their times.
CREATE PROCEDURE pg_temp.post(line lines) LANGUAGE plpgsql AS $$
DECLARE
	person people;
	posted parley.posted_message;
BEGIN
	SELECT * INTO person FROM people p WHERE p.key = line.key;
	posted := parley.post_message(person.conversation_id, line.content, CASE WHEN line.agent IS NULL THEN person.id END,
		caller_id => (SELECT a.id FROM agents a WHERE a.key = line.agent), caller_role => 'operator');
	UPDATE parley.messages m SET created_at = now() - line.ago
		WHERE m.conversation_id = posted.conversation_id AND m.number = posted.message_id;
END $$;
DO $$
DECLARE
	line lines;
BEGIN
	FOR line IN SELECT * FROM lines ORDER BY place LOOP
		CALL pg_temp.post(line);
	END LOOP;
END $$;

-- Money is paid in first, then some of it is spent.
CREATE TEMP TABLE postings (place serial, key text, currency text, name text, amount bigint, memo text) ON COMMIT DROP;
INSERT INTO postings (key, currency, name, amount, memo) VALUES
	('olu', 'EUR', 'Everyday', 32000, 'salary'), ('olu', 'EUR', 'Everyday', -1250, 'bus pass'),
	('grace', 'EUR', 'Everyday', 15000, 'paid in by card'), ('grace', 'EUR', 'Everyday', -9800, 'Izakaya Hana'),
	('ravi', 'GBP', 'Everyday', 120400, 'salary'), ('ravi', 'GBP', 'Everyday', -1860, 'taxi'), ('ravi', 'GBP', 'Everyday', -449, 'coffee and cake ☕'),
	('ravi', 'INR', 'Home', 2500000, 'rent of the flat'),
	('laila', 'EUR', 'رئيسي', 12000, 'حوالة'), ('laila', 'USD', 'توفير', 80000, 'توفير'),
	('kenji', 'JPY', NULL, 48000, '給料'), ('lena', 'EUR', NULL, 1890, 'Erstattung');
SELECT parley.open_account(p.id, t.currency, t.name)
	FROM (SELECT min(place) AS place, key, currency, min(name) AS name FROM postings GROUP BY key, currency) t JOIN people p USING (key)
	ORDER BY t.place;
DO $$
DECLARE
	posting postings;
BEGIN
	FOR posting IN SELECT * FROM postings ORDER BY place LOOP
		PERFORM parley.post_transaction(p.id, a.id, posting.amount, posting.memo)
			FROM people p JOIN parley.accounts a ON a.user_id = p.id AND a.currency = posting.currency WHERE p.key = posting.key;
	END LOOP;
END $$;
SELECT parley.post_transfer(o.id, 1, g.id, 1, 2450, 'dinner 🍜', o.conversation_id)
	FROM people o, people g WHERE o.key = 'olu' AND g.key = 'grace';
SELECT parley.post_message(g.conversation_id, 'Got it, thank you! Same place next month?', g.id) FROM people g WHERE g.key = 'grace';

SELECT parley.rebuild_conversations();
SELECT parley.set_case(p.conversation_id, p.status, now() + p.snoozed_in, a.id, p.labels)
	FROM people p LEFT JOIN agents a ON a.key = p.assignee WHERE p.status IS NOT NULL;
-- Contacts are at least as old as their conversations. Everything is read except what is marked as unread above, and an older message
-- here and there.
UPDATE parley.contacts c SET created_at = now() - interval '90 days' FROM people p WHERE c.id = p.id;
UPDATE parley.conversations c SET created_at = now() - interval '3 days' FROM people p WHERE c.id = p.conversation_id;
UPDATE parley.members m SET read_number = c.last_number
	FROM parley.conversations c JOIN people p ON p.conversation_id = c.id WHERE m.conversation_id = c.id;
UPDATE parley.conversations c SET operator_read_number = greatest(0, c.last_number
	- coalesce((SELECT max(coalesce(p.unread, 0)) FROM people p WHERE p.conversation_id = c.id), CASE WHEN c.id / 1024 % 9 = 0 THEN 2 ELSE 0 END));
