#ifndef BENCH_VOCABULARY_H
#define BENCH_VOCABULARY_H

#include <stddef.h>

/* English words, the most common ones first. */
extern const char *const common_words[];
extern const size_t common_words_count;

extern const char *const emoji[];
extern const size_t emoji_count;

/* Words of another script, with what separates words and ends sentences. */
typedef struct Script
{
	const char *const *words;
	size_t count;
	const char *between, *end;
} Script;

extern const Script scripts[];
extern const size_t scripts_count;

#endif
