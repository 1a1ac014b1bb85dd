#ifndef BENCH_CSV_H
#define BENCH_CSV_H

#include <stddef.h>
#include <stdint.h>

/* Message texts from a CSV file. */
typedef struct CsvTexts
{
	char *bytes;    /* all texts, one after another */
	size_t *starts; /* count + 1 offsets; text i is bytes[starts[i]] to bytes[starts[i + 1]] */
	size_t count;
	size_t skipped;    /* rows left out: empty, over 10,000 characters, invalid UTF-8 or with a NUL */
	uint64_t checksum; /* of the texts kept, in order */
} CsvTexts;

#define CSV_CHARACTERS_MAX 10000

/*
 * Parses RFC 4180 text of `length` bytes: a header `content`, then one column. Both LF and CRLF end a row. A byte order
 * mark is skipped, and a quote inside an unquoted field stands for itself. Returns NULL, or an error message ("line 7:
 * …") in a static buffer. On success, free `texts` with csv_free().
 */
const char *csv_parse(const char *input, size_t length, CsvTexts *texts);

/* Same for a file. Ends the program with a message if the file cannot be read or parsed. */
CsvTexts csv_read_file(const char *path);
void csv_free(CsvTexts *texts);

/* Returns the number of characters of a UTF-8 text, or -1 if PostgreSQL would not accept it as UTF-8. */
long utf8_characters(const char *text, size_t length);

#endif
