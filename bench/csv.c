/*
 * csv: reads message texts from a CSV file with one column, `content` (RFC 4180).
 *
 * The parser writes all texts into one block as it unquotes them. CsvTexts owns the block and the array of starts;
 * csv_free() frees both.
 */
#include "csv.h"

#include "memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Parser
{
	const char *at, *end;
	size_t line;
	char *out; /* where the next byte of a field goes */
	const char *error;
} Parser;

static const char *
complain(Parser *parser, const char *what)
{
	static char message[120];

	snprintf(message, sizeof(message), "line %zu: %s", parser->line, what);
	parser->error = message;
	return message;
}

/* Returns the length of the UTF-8 sequence that starts with this lead byte, or 0 if it is not a lead byte. */
static int
sequence_length(unsigned char lead)
{
	if (lead < 0x80)
		return lead == 0 ? 0 : 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* Overlong forms, surrogates and code points beyond U+10FFFF can all be recognized by the second byte. */
static bool
second_byte_fits(unsigned char lead, unsigned char second)
{
	unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;

	return second >= low && second <= high;
}

long
utf8_characters(const char *text, size_t length)
{
	const unsigned char *at = (const unsigned char *) text, *end = at + length;
	long characters = 0;

	for (; at < end; characters++)
	{
		int width = sequence_length(*at);

		if (width == 0 || end - at < width || (width > 1 && !second_byte_fits(at[0], at[1])))
			return -1;
		for (int i = 2; i < width; i++)
			if ((at[i] & 0xc0) != 0x80)
				return -1;
		at += width;
	}
	return characters;
}

static void
take(Parser *parser)
{
	if (*parser->at == '\n')
		parser->line++;
	*parser->out++ = *parser->at++;
}

static void
quoted_field(Parser *parser)
{
	size_t opened = parser->line;

	for (parser->at++; parser->at < parser->end; take(parser))
		if (*parser->at == '"' && (++parser->at == parser->end || *parser->at != '"'))
			return;
	parser->line = opened;
	complain(parser, "the quote that opens here is never closed");
}

static bool
at_row_end(const Parser *parser)
{
	return parser->at == parser->end || *parser->at == '\n' ||
		   (*parser->at == '\r' && (parser->at + 1 == parser->end || parser->at[1] == '\n'));
}

static void
plain_field(Parser *parser)
{
	while (!at_row_end(parser) && *parser->at != ',')
		take(parser);
}

static void
row_end(Parser *parser)
{
	if (!at_row_end(parser))
		complain(parser, *parser->at == ',' ? "more than one column" : "text after the closing quote");
	while (parser->at < parser->end && *parser->at == '\r')
		parser->at++;
	if (parser->at < parser->end && *parser->at == '\n')
	{
		parser->at++;
		parser->line++;
	}
}

/* Reads one row. The field is what was written to parser->out. */
static void
row(Parser *parser)
{
	if (parser->at < parser->end && *parser->at == '"')
		quoted_field(parser);
	else
		plain_field(parser);
	if (parser->error == NULL)
		row_end(parser);
}

static bool
is_message(const char *text, size_t length)
{
	long characters = utf8_characters(text, length);

	return characters >= 1 && characters <= CSV_CHARACTERS_MAX;
}

/* FNV-1a. The end of each text is hashed too, so that the same bytes split into other texts have another checksum. */
static uint64_t
checksum_add(uint64_t checksum, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		checksum = (checksum ^ (unsigned char) text[i]) * UINT64_C(0x100000001b3);
	return (checksum ^ 0xff) * UINT64_C(0x100000001b3);
}

static void
keep(CsvTexts *texts, size_t *room, size_t end)
{
	if (texts->count + 2 > *room)
		texts->starts = memory_resize(texts->starts, *room *= 2, sizeof(size_t));
	texts->starts[++texts->count] = end;
}

static const char *
header(Parser *parser)
{
	char *start = parser->out;

	if (parser->end - parser->at >= 3 && memcmp(parser->at, "\xef\xbb\xbf", 3) == 0)
		parser->at += 3;
	row(parser);
	if (parser->error == NULL && (parser->out - start != 7 || memcmp(start, "content", 7) != 0))
		parser->line = 1, complain(parser, "the header must be: content");
	parser->out = start;
	return parser->error;
}

static void
rows(Parser *parser, CsvTexts *texts, size_t *room)
{
	while (parser->at < parser->end)
	{
		char *start = parser->out;

		row(parser);
		if (parser->error != NULL)
			return;
		if (is_message(start, (size_t) (parser->out - start)))
		{
			texts->checksum = checksum_add(texts->checksum, start, (size_t) (parser->out - start));
			keep(texts, room, (size_t) (parser->out - texts->bytes));
			continue;
		}
		texts->skipped++;
		parser->out = start;
	}
}

const char *
csv_parse(const char *input, size_t length, CsvTexts *texts)
{
	size_t room = 1024;
	Parser parser = { input, input + length, 1, NULL, NULL };

	*texts =
		(CsvTexts){ memory_bytes(length + 1), memory_array(room, sizeof(size_t)), 0, 0, UINT64_C(0xcbf29ce484222325) };
	parser.out = texts->bytes;
	if (header(&parser) == NULL)
		rows(&parser, texts, &room);
	if (parser.error == NULL && texts->count == 0)
		complain(&parser, "no text that could be a message");
	if (parser.error != NULL)
		csv_free(texts);
	return parser.error;
}

static void
fail(const char *path, const char *why)
{
	fprintf(stderr, "cannot read %s: %s\n", path, why);
	exit(EXIT_FAILURE);
}

static char *
file_bytes(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	size_t room = 1 << 20;
	char *bytes = memory_bytes(room);

	if (file == NULL)
		fail(path, strerror(errno));
	*length = 0;
	while ((*length += fread(bytes + *length, 1, room - *length, file)) == room)
		bytes = memory_resize(bytes, room *= 2, 1);
	if (ferror(file))
		fail(path, strerror(errno));
	fclose(file);
	return bytes;
}

CsvTexts
csv_read_file(const char *path)
{
	size_t length;
	char *bytes = file_bytes(path, &length);
	CsvTexts texts;
	const char *error = csv_parse(bytes, length, &texts);

	if (error != NULL)
		fail(path, error);
	free(bytes);
	return texts;
}

void
csv_free(CsvTexts *texts)
{
	free(texts->bytes);
	free(texts->starts);
	*texts = (CsvTexts){ NULL, NULL, 0, 0, 0 };
}
