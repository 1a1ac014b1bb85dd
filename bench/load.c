/*
 * load: writes the four tables of the conversations in one transaction. Messages come first, in the order of time, as
 * they would in real life. After that we know for each conversation how many messages it has and when they were sent.
 *
 * If a table is truncated and filled in the same transaction, PostgreSQL can skip WAL if wal_level is minimal, and can
 * store the rows frozen, so that no VACUUM has to write them again.
 */
#include "load.h"

#include "copy.h"
#include "database.h"
#include "memory.h"
#include "person.h"
#include "progress.h"
#include "standing.h"
#include "text.h"
#include "traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOW_EVERY 1024
#define READ_ALL_SHARE 0.7

/* What loading each of the four tables needs. */
typedef struct Load
{
	Copy copy;
	PGconn *connection;
	const Options *options;
	Traffic traffic;
} Load;

/* Where texts come from: the file or the generator. */
typedef struct TextSource
{
	const CsvTexts *file; /* NULL if there is none */
	TextGenerator *generator;
	Random random;
	Text text;
} TextSource;

static void
copy_content(Copy *copy, double moment, TextSource *source)
{
	if (source->file != NULL)
	{
		size_t i = random_below(&source->random, source->file->count);
		const size_t *start = &source->file->starts[i];

		copy_text(copy, source->file->bytes + start[0], start[1] - start[0]);
		return;
	}
	text_generate(source->generator, &source->text, moment);
	copy_text(copy, source->text.bytes, source->text.length);
}

static void
copy_id_or_null(Copy *copy, int64_t id)
{
	if (id == 0)
		copy_null(copy);
	else
		copy_integer(copy, id);
}

static void
copy_message(Load *load, Timestamp at, double moment, TextSource *source)
{
	Conversation *conversation = traffic_next(&load->traffic, at);
	Copy *copy = &load->copy;

	copy_row(copy, 5);
	copy_integer(copy, traffic_id(&load->traffic, conversation));
	copy_integer(copy, conversation->last_number);
	copy_id_or_null(copy, conversation_sender(conversation));
	copy_timestamp(copy, at);
	copy_content(copy, moment, source);
}

static void
load_messages(Load *load, TextSource *source)
{
	const Options *options = load->options;
	Timeline *timeline = memory_bytes(sizeof(Timeline));
	Progress progress = progress_start("messages", options->messages);

	timeline_start(timeline, options->seed, options->until, options->messages);
	copy_start(&load->copy, load->connection,
			   "parley.messages (conversation_id, number, sender_id, created_at, content)");
	for (uint64_t i = 0; i < options->messages; i++)
	{
		Timestamp at = timeline_next(timeline);

		copy_message(load, at, (double) (at - timeline->start) / (double) (options->until - timeline->start), source);
		if (i % SHOW_EVERY == 0)
			progress_show(&progress, i);
	}
	copy_finish(&load->copy);
	progress_finish(&progress);
	free(timeline);
}

static Timestamp
began_at(const Load *load, const Conversation *conversation)
{
	return conversation->last_number > 0 ? conversation->first_at : load->options->until - TIMESTAMP_DAY;
}

static void
copy_contact(Load *load, const Conversation *conversation, PersonGenerator *persons)
{
	Copy *copy = &load->copy;
	Person person;

	person_generate(persons, conversation->contact_id, &person);
	copy_row(copy, 5);
	copy_integer(copy, conversation->contact_id);
	copy_optional(copy, person.name);
	copy_optional(copy, person.phone);
	copy_optional(copy, person.email);
	/* A contact is created up to a day before its first message. */
	copy_timestamp(copy, began_at(load, conversation) - (Timestamp) random_below(&persons->random, TIMESTAMP_DAY));
}

static void
load_contacts(Load *load)
{
	PersonGenerator persons = person_generator_start(load->options->seed, load->options->contacts);
	Progress progress = progress_start("contacts", load->options->contacts);

	copy_start(&load->copy, load->connection, "parley.contacts (id, name, phone, email, created_at)");
	for (size_t i = 0; i < load->traffic.count; i++)
	{
		const Conversation *conversation = &load->traffic.conversations[i];

		if (conversation->other_id == 0)
			copy_contact(load, conversation, &persons);
		if (i % SHOW_EVERY == 0)
			progress_show(&progress, i);
	}
	copy_finish(&load->copy);
	progress_finish(&progress);
	person_generator_free(&persons);
}

static void
copy_conversation(Load *load, const Conversation *conversation)
{
	Copy *copy = &load->copy;
	bool direct = conversation->other_id != 0;

	copy_row(copy, 10);
	copy_integer(copy, traffic_id(&load->traffic, conversation));
	copy_optional(copy, direct ? "direct" : "contact");
	copy_id_or_null(copy, direct ? 0 : conversation->contact_id);
	copy_id_or_null(copy, direct ? conversation->contact_id : 0);
	copy_id_or_null(copy, conversation->other_id);
	copy_integer(copy, conversation->last_number);
	copy_id_or_null(copy, conversation->last_number);
	if (conversation->last_number > 0)
		copy_timestamp(copy, conversation->last_at);
	else
		copy_null(copy);
	copy_timestamp(copy, began_at(load, conversation));
	/* The operator has read everything. */
	copy_integer(copy, conversation->last_number);
}

static void
load_conversations(Load *load)
{
	Progress progress = progress_start("conversations", load->traffic.count);

	copy_start(&load->copy, load->connection,
			   "parley.conversations (id, kind, contact_id, low_contact_id, high_contact_id, last_number, "
			   "newest_number, last_message_at,"
			   " created_at, operator_read_number)");
	for (size_t i = 0; i < load->traffic.count; i++)
	{
		copy_conversation(load, &load->traffic.conversations[i]);
		if (i % SHOW_EVERY == 0)
			progress_show(&progress, i);
	}
	copy_finish(&load->copy);
	progress_finish(&progress);
}

/* Most have read everything. The others are a few messages behind. */
static int64_t
read_number(Random *random, int64_t last_number)
{
	if (last_number == 0 || random_chance(random, READ_ALL_SHARE))
		return last_number;
	return last_number - 1 - (int64_t) random_below(random, last_number < 10 ? (uint64_t) last_number : 10);
}

static void
copy_member(Load *load, const Conversation *conversation, int64_t contact_id, bool has_written, Random *random)
{
	copy_row(&load->copy, 5);
	copy_integer(&load->copy, traffic_id(&load->traffic, conversation));
	copy_integer(&load->copy, contact_id);
	copy_integer(&load->copy, read_number(random, conversation->last_number));
	copy_timestamp(&load->copy, began_at(load, conversation));
	copy_boolean(&load->copy, has_written);
}

static void
load_members(Load *load)
{
	Random random = random_start(load->options->seed, RANDOM_READING);
	Progress progress = progress_start("members", load->traffic.count + load->traffic.count - load->options->contacts);

	copy_start(&load->copy, load->connection,
			   "parley.members (conversation_id, contact_id, read_number, joined_at, has_written)");
	for (size_t i = 0; i < load->traffic.count; i++)
	{
		const Conversation *conversation = &load->traffic.conversations[i];

		copy_member(load, conversation, conversation->contact_id, conversation->contact_wrote, &random);
		if (conversation->other_id != 0)
			copy_member(load, conversation, conversation->other_id, conversation->other_wrote, &random);
		if (i % SHOW_EVERY == 0)
			progress_show(&progress, i);
	}
	copy_finish(&load->copy);
	progress_finish(&progress);
}

static void
begin(PGconn *connection, const char *source)
{
	const char *parameters[] = { source, NULL };

	database_run(connection, "BEGIN");
	PQclear(database_query(connection, "SELECT parley.begin_bulk_load($1)", parameters));
	standing_clear(connection);
}

static void
commit(const Load *load)
{
	char statement[400];

	snprintf(statement, sizeof(statement),
			 "SELECT setval(pg_get_serial_sequence('parley.contacts', 'id'), %llu),"
			 " setval(pg_get_serial_sequence('parley.conversations', 'id'), %zu)",
			 (unsigned long long) load->options->contacts, load->traffic.count);
	database_run(load->connection, statement);
	/* Contacts who talk to other contacts are users. */
	database_run(
		load->connection,
		"UPDATE parley.contacts SET registered_at = created_at WHERE id IN"
		" (SELECT unnest(ARRAY[low_contact_id, high_contact_id]) FROM parley.conversations WHERE kind = 'direct')");
	snprintf(statement, sizeof(statement),
			 "UPDATE parley.bulk_loads SET contacts_count = %llu, messages_count = %llu WHERE finished_at IS NULL",
			 (unsigned long long) load->options->contacts, (unsigned long long) load->options->messages);
	database_run(load->connection, statement);
	database_run(load->connection, "COMMIT");
}

void
load(PGconn *connection, const Options *options, const CsvTexts *texts, const char *source)
{
	Load *load = memory_bytes(sizeof(Load));
	TextSource *text_source = memory_bytes(sizeof(TextSource));

	load->connection = connection;
	load->options = options;
	text_source->file = texts;
	text_source->random = random_start(options->seed, RANDOM_TEXT);
	if (texts == NULL)
		text_source->generator = text_generator_create(options->seed);
	traffic_start(&load->traffic, options->seed, options->contacts, options->messages);
	begin(connection, source);
	load_messages(load, text_source);
	load_contacts(load);
	load_conversations(load);
	load_members(load);
	commit(load);
	traffic_free(&load->traffic);
	if (texts == NULL)
		text_generator_free(text_source->generator);
	free(text_source);
	free(load);
}
