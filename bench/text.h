#ifndef BENCH_TEXT_H
#define BENCH_TEXT_H

#include "random.h"

#include <stddef.h>

#define TEXT_BYTES_MAX 4000

/* A message under construction. What does not fit is left out; characters are never cut. */
typedef struct Text
{
	char bytes[TEXT_BYTES_MAX];
	size_t length;
} Text;

typedef struct TextGenerator TextGenerator;

/* The vocabulary is the same for every seed, so that tests can search for a rare word by name. */
TextGenerator *text_generator_create(uint64_t seed);

/* Replaces `text` with the next message: 1 to 10,000 characters of UTF-8 without NUL, 104 on average. `moment` is the
 * time of the message, from 0 to 1; some words went out of use. */
void text_generate(TextGenerator *generator, Text *text, double moment);

/* Returns the word of that rank; 0 is the most common one. Returns NULL past the last. The generator owns the word. */
const char *text_generator_word(const TextGenerator *generator, size_t rank);
void text_generator_free(TextGenerator *generator);

#endif
