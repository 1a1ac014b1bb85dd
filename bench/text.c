/*
 * text: generates messages, for those who have no CSV file of real ones.
 *
 * Words are drawn by Zipf's law from some hundred real English words followed by tens of thousands of made-up ones. So
 * a few words are in most messages, and most words are in very few, as in real texts. A small share of the messages is
 * in other scripts, or has emoji, numbers, or characters that a search must not take for wildcards.
 *
 * The generator owns its vocabulary (one block of zero-terminated words) and its sampler; text_generator_free() frees
 * them.
 */
#include "text.h"

#include "hash_set.h"
#include "memory.h"
#include "vocabulary.h"
#include "weighted.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 48000
#define WORD_BYTES_MAX 40
/* Zipf-Mandelbrot: the word of rank r has the weight 1 / (r + ZIPF_SHIFT) ^ ZIPF_EXPONENT. */
#define ZIPF_SHIFT 2.7
#define ZIPF_EXPONENT 1.05
/* A word that went out of use: it is in this share of the messages of the first part of the time, and in none after
 * that. */
#define FORGOTTEN_WORD "walkman"
#define FORGOTTEN_AFTER 0.1
#define FORGOTTEN_SHARE 0.02

struct TextGenerator
{
	Random random;
	Weighted *ranks;
	char words[WORDS][WORD_BYTES_MAX];
};

static const char *const onsets[] = { "b",  "br", "c", "ch", "cl", "d", "dr", "f",  "fl", "g", "gr", "h",
									  "j",  "k",  "l", "m",  "n",  "p", "pl", "pr", "qu", "r", "s",  "sh",
									  "sl", "st", "t", "th", "tr", "v", "w",  "y",  "z",  "" };
static const char *const nuclei[] = { "a", "e", "i", "o", "u", "a", "e", "i", "o", "ai", "ea", "ee", "ie", "oo", "ou" };
static const char *const accented[] = { "á", "é", "í", "ó", "ú", "ä", "ö", "ü", "ñe", "ça", "ø", "å", "ł", "š", "ő" };
static const char *const codas[] = { "",  "",  "",   "",   "",   "",   "n",  "r", "s", "t",
									 "l", "m", "ck", "nd", "ng", "st", "ld", "x", "p" };
static const char *const endings[] = { "", "", "", "", "", "s", "ed", "ing", "er", "ly", "ness", "tion", "able", "y" };
static const char *const odd_texts[] = { "100%",   "snake_case", "C:\\temp",  "50% off", "a_b",   "'quoted'",
										 "\"so\"", "?!",         "...",       "#1",      "@home", "a & b",
										 "<b>",    "1/2",        "x = y + z", "naïveté", "Zoë",   "…" };

#define PICK(random, array) ((array)[random_below((random), sizeof(array) / sizeof((array)[0]))])

static void
make_word(Random *random, char *word)
{
	int syllables = 1 + (int) random_below(random, 2) + random_chance(random, 0.25);
	bool exotic = random_chance(random, 0.03);

	*word = '\0';
	for (int i = 0; i < syllables; i++)
	{
		strcat(word, PICK(random, onsets));
		strcat(word, exotic && i == 0 ? PICK(random, accented) : PICK(random, nuclei));
		strcat(word, PICK(random, codas));
	}
	strcat(word, PICK(random, endings));
}

static uint64_t
word_hash(const char *word)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	while (*word != '\0')
		hash = (hash ^ (unsigned char) *word++) * UINT64_C(0x100000001b3);
	return hash | 1;
}

static void
fill_vocabulary(TextGenerator *generator)
{
	Random random = random_start(0, RANDOM_VOCABULARY);
	HashSet seen = hash_set_create(WORDS);

	for (size_t rank = 0; rank < WORDS;)
	{
		char *word = generator->words[rank];

		if (rank < common_words_count)
			strcpy(word, common_words[rank]);
		else
			make_word(&random, word);
		/* A word that already exists is generated again. The list of common words may contain duplicates. */
		if (hash_set_add(&seen, word_hash(word)) || rank < common_words_count)
			rank++;
	}
	hash_set_free(&seen);
}

TextGenerator *
text_generator_create(uint64_t seed)
{
	TextGenerator *generator = memory_bytes(sizeof(TextGenerator));
	double *weights = memory_array(WORDS, sizeof(double));

	for (size_t rank = 0; rank < WORDS; rank++)
		weights[rank] = pow((double) rank + ZIPF_SHIFT, -ZIPF_EXPONENT);
	generator->random = random_start(seed, RANDOM_TEXT);
	generator->ranks = weighted_create(weights, WORDS);
	fill_vocabulary(generator);
	free(weights);
	return generator;
}

const char *
text_generator_word(const TextGenerator *generator, size_t rank)
{
	return rank < WORDS ? generator->words[rank] : NULL;
}

void
text_generator_free(TextGenerator *generator)
{
	weighted_free(generator->ranks);
	free(generator);
}

static void
append(Text *text, const char *piece)
{
	size_t length = strlen(piece);

	if (text->length + length > TEXT_BYTES_MAX)
		return;
	memcpy(text->bytes + text->length, piece, length);
	text->length += length;
}

/* Numbers as they occur in chats: years, counts, prices, percentages, times of day. */
static void
append_number(Text *text, Random *random)
{
	char number[32];
	int value = (int) random_below(random, 100);

	switch (random_below(random, 5))
	{
		case 0:
			snprintf(number, sizeof(number), "%d", 1930 + value);
			break;
		case 1:
			snprintf(number, sizeof(number), "%d", value);
			break;
		case 2:
			snprintf(number, sizeof(number), "$%d.%02d", (int) random_below(random, 900), value);
			break;
		case 3:
			snprintf(number, sizeof(number), "%d%%", value);
			break;
		default:
			snprintf(number, sizeof(number), "%d:%02d", (int) random_below(random, 24), value % 60);
	}
	append(text, number);
}

static void
append_word(TextGenerator *generator, Text *text)
{
	double kind = random_unit(&generator->random);
	char word[WORD_BYTES_MAX];

	if (kind < 0.015)
		append_number(text, &generator->random);
	else if (kind < 0.017)
		append(text, PICK(&generator->random, odd_texts));
	else if (kind < 0.02)
	{
		/* A word for this message only: a typing error, a name, something said once. */
		make_word(&generator->random, word);
		append(text, word);
	}
	else
		append(text, generator->words[weighted_draw(generator->ranks, &generator->random)]);
}

static void
append_sentence(TextGenerator *generator, Text *text)
{
	Random *random = &generator->random;
	size_t start = text->length;
	int words = 3 + (int) random_below(random, 15);
	double end = random_unit(random);

	for (int i = 0; i < words; i++)
	{
		if (i > 0)
			append(text, random_chance(random, 0.06) ? ", " : " ");
		append_word(generator, text);
	}
	if (text->length > start)
		text->bytes[start] = (char) toupper((unsigned char) text->bytes[start]);
	append(text, end < 0.62 ? "." : end < 0.82 ? "?" : end < 0.96 ? "!" : "");
}

static void
append_foreign(TextGenerator *generator, Text *text)
{
	Random *random = &generator->random;
	const Script *script = &scripts[random_below(random, scripts_count)];
	int words = 2 + (int) random_below(random, 14);

	for (int i = 0; i < words; i++)
	{
		if (i > 0)
			append(text, script->between);
		append(text, script->words[random_below(random, script->count)]);
	}
	append(text, script->end);
}

void
text_generate(TextGenerator *generator, Text *text, double moment)
{
	Random *random = &generator->random;

	text->length = 0;
	if (random_chance(random, 0.03))
		append_foreign(generator, text);
	else
		do
		{
			if (text->length > 0)
				append(text, " ");
			append_sentence(generator, text);
		} while (random_chance(random, 0.38));
	if (random_chance(random, 0.04))
	{
		append(text, " ");
		append(text, emoji[random_below(random, emoji_count)]);
	}
	if (moment < FORGOTTEN_AFTER && random_chance(random, FORGOTTEN_SHARE))
		append(text, " " FORGOTTEN_WORD);
}
