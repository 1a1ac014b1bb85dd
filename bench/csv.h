#ifndef BENCH_CSV_H
#define BENCH_CSV_H

#include <stddef.h>
#include <stdint.h>

/* Message texts out of a CSV file. */
typedef struct CsvTexts
{
	char *bytes;    /* all texts, one after the other */
	size_t *starts; /* count + 1 of them: text i is bytes[starts[i]] … bytes[starts[i + 1]] */
	size_t count;
	size_t skipped;    /* rows left out: empty, over 10,000 characters, not UTF-8 or with a NUL */
	uint64_t checksum; /* of the texts kept, in order */
} CsvTexts;

#define CSV_CHARACTERS_MAX 10000

/*
 * Parses RFC 4180 text of `length` bytes: a header `content`, then one column. LF and CRLF both end a row; a byte order
 * mark is skipped; a quote inside an unquoted field stands for itself. Returns NULL, or what is wrong with it ("line 7:
 * …"), in a static buffer. On success csv_free frees `texts`.
 */
const char *csv_parse(const char *input, size_t length, CsvTexts *texts);

/* The same for a file, which ends the program with a message where it cannot be read or parsed. */
CsvTexts csv_read_file(const char *path);
void csv_free(CsvTexts *texts);

/* How many characters the UTF-8 text has, or −1 where it is no UTF-8 that PostgreSQL would take. */
long utf8_characters(const char *text, size_t length);

#endif
