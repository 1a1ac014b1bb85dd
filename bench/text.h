#ifndef BENCH_TEXT_H
#define BENCH_TEXT_H

#include "random.h"

#include <stddef.h>

#define TEXT_BYTES_MAX 4000

/* A message under construction; what does not fit any more is left out, never cut within a character. */
typedef struct Text
{
	char bytes[TEXT_BYTES_MAX];
	size_t length;
} Text;

typedef struct TextGenerator TextGenerator;

/* The vocabulary is the same for every seed, so that a rare word stays a rare word that can be looked for by name. */
TextGenerator *text_generator_create(uint64_t seed);

/* Replaces `text` by the next message: 1 to 10,000 characters of UTF-8 without NUL, 104 on average. moment: when in the
 * time of all messages it is written, from 0 to 1; some words went out of use. */
void text_generate(TextGenerator *generator, Text *text, double moment);

/* The word of that rank, from 0, the commonest; NULL beyond the last. The generator's own. */
const char *text_generator_word(const TextGenerator *generator, size_t rank);
void text_generator_free(TextGenerator *generator);

#endif
