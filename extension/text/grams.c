/*
 * grams.c: see grams.h.
 */
#include "text/grams.h"

#include "text/fold.h"

#define BRIDGE UINT64_C(0x8000000000000000)
#define CHARACTER_BITS 21
#define EDGE_LENGTH 2
#define SHORT_BITS 15
#define SHORT_MASK ((UINT64_C(1) << SHORT_BITS) - 1)
#define BRIDGE_MASK ((UINT64_C(1) << 2 * EDGE_LENGTH * SHORT_BITS) - 1)

/* The characters from `from` up to but not including `to`. */
typedef struct Token
{
	const uint32_t *from, *to;
} Token;

/* Up to two characters at the edge of a token, the outermost first. 0 if the token is shorter. */
typedef struct Edge
{
	uint32_t characters[EDGE_LENGTH];
	int known; /* how many are certain: the first or last token of a term may be longer in the text */
} Edge;

static size_t
characters_of_text(const char *text, size_t length, bool utf8, uint32_t *characters)
{
	const unsigned char *at = (const unsigned char *) text;
	const unsigned char *end = at + length;
	size_t count = 0;

	while (at < end)
		characters[count++] = utf8 ? parley_utf8_next(&at) : *at++;
	return count;
}

static bool
character_is_separator(const uint32_t *at, const uint32_t *begin, const uint32_t *end)
{
	return *at == ' ' && (at == begin || at[-1] != ' ') && (at + 1 == end || at[1] != ' ');
}

/* Returns the next token at or after `at`, or an empty one at the end. */
static Token
token_next(const uint32_t *at, const uint32_t *begin, const uint32_t *end)
{
	Token token;

	while (at < end && character_is_separator(at, begin, end))
		at++;
	token.from = at;
	while (at < end && !character_is_separator(at, begin, end))
		at++;
	token.to = at;
	return token;
}

static inline bool
token_is_empty(const Token *token)
{
	return token->from == token->to;
}

static inline Gram
gram_of_three(uint32_t a, uint32_t b, uint32_t c)
{
	return (Gram) ((uint64_t) a << (2 * CHARACTER_BITS) | (uint64_t) b << CHARACTER_BITS | c);
}

static inline bool
character_has_single(uint32_t character)
{
	return character < 'a' || character > 'z' || character == 'j' || character == 'q' || character == 'x' ||
		   character == 'z';
}

/* Returns the edge at the end or at the start of a token, which may go on there if it is open. */
static Edge
token_edge(const Token *token, bool at_end, bool is_open)
{
	int length = token->to - token->from > EDGE_LENGTH ? EDGE_LENGTH : (int) (token->to - token->from);
	Edge edge = { { 0 }, is_open ? length : EDGE_LENGTH };

	for (int i = 0; i < length; i++)
		edge.characters[i] = at_end ? token->to[-1 - i] : token->from[i];
	return edge;
}

/* Appends a character to the bits of a bridge. If it is not known, the mask lets any character match. */
static void
bridge_append(uint64_t *value, uint64_t *mask, const Edge *edge, int place)
{
	bool is_known = place < edge->known;
	uint32_t character = is_known ? edge->characters[place] : 0;

	/* From U+4000 on, use a hash. It is never 0, because 0 stands for no character. */
	if (character >= 0x4000)
		character = 0x4000 | (character * UINT32_C(2654435769)) >> 18;
	*value = *value << SHORT_BITS | character;
	*mask = *mask << SHORT_BITS | (is_known ? SHORT_MASK : 0);
}

/* Returns all bridges between two edges, with any characters in place of those that are not known. */
static GramRange
bridge_range(const Edge *end, const Edge *start)
{
	uint64_t value = 0, mask = 0;

	for (int i = 0; i < EDGE_LENGTH; i++)
		bridge_append(&value, &mask, end, i);
	for (int i = 0; i < EDGE_LENGTH; i++)
		bridge_append(&value, &mask, start, i);
	return (GramRange){ (Gram) (BRIDGE | value), (Gram) (BRIDGE | value | (~mask & BRIDGE_MASK)), BRIDGE | mask };
}

size_t
parley_grams_of_text(const char *text, size_t length, bool utf8, uint32_t *characters, Gram *grams)
{
	const uint32_t *end = characters + characters_of_text(text, length, utf8, characters);
	size_t count = 0;

	for (Token token = token_next(characters, characters, end), following; !token_is_empty(&token); token = following)
	{
		Edge end_of_token, start_of_next;

		for (const uint32_t *at = token.from; at < token.to; at++)
		{
			if (character_has_single(*at))
				grams[count++] = gram_of_three(*at, 0, 0);
			if (at + 2 < token.to)
				grams[count++] = gram_of_three(at[0], at[1], at[2]);
		}
		following = token_next(token.to, characters, end);
		end_of_token = token_edge(&token, true, false);
		start_of_next = token_edge(&following, false, false);
		grams[count++] = bridge_range(&end_of_token, &start_of_next).low;
	}
	return count;
}

static GramClue
clue_of_range(GramRange range)
{
	return (GramClue){ 1, { range } };
}

static GramClue
clue_of_gram(Gram gram)
{
	return clue_of_range((GramRange){ gram, gram, UINT64_MAX });
}

static GramRange
trigrams_from(uint32_t a, uint32_t b)
{
	Gram low = gram_of_three(a, b, 0);
	uint64_t rest = (UINT64_C(1) << (b == 0 ? 2 : 1) * CHARACTER_BITS) - 1;

	return (GramRange){ low, (Gram) ((uint64_t) low | rest), ~rest };
}

/* Returns all bridges after a token that ends in these two characters. 0 stands for any character. */
static GramRange
bridges_after(uint32_t before, uint32_t last)
{
	Edge none = { { 0 }, 0 };
	Edge end = { { last, before }, before == 0 ? 1 : 2 };
	GramRange range = bridge_range(&end, &none);

	/* If the last character can be any, the range goes up to the highest bridge, and the mask selects by the other. */
	if (last == 0)
	{
		range.mask &= ~(SHORT_MASK << (2 * EDGE_LENGTH - 1) * SHORT_BITS);
		range.high = (Gram) (BRIDGE | BRIDGE_MASK);
	}
	return range;
}

/* The clues of a term of one or two characters, which can be anywhere in a token. Its singles, if any, are exact clues.
 * Returns the number of clues. */
static size_t
clues_of_short_token(const Token *token, GramClue *clues)
{
	uint32_t first = token->from[0];
	size_t count = 0;

	for (const uint32_t *at = token->from; at < token->to; at++)
		if (character_has_single(*at))
			clues[count++] = clue_of_gram(gram_of_three(*at, 0, 0));
	if (token->to - token->from == 2)
		clues[count++] =
			(GramClue){ 2, { trigrams_from(first, token->from[1]), bridges_after(first, token->from[1]) } };
	else if (count == 0)
		clues[count++] = (GramClue){ 3, { trigrams_from(first, 0), bridges_after(0, first), bridges_after(first, 0) } };
	return count;
}

size_t
parley_clues_of_term(const char *term, size_t length, bool utf8, uint32_t *characters, GramClue *clues,
					 size_t clues_max)
{
	const uint32_t *end = characters + characters_of_text(term, length, utf8, characters);
	const uint32_t *begin = characters;
	GramClue vague = { 0 };
	size_t count = 0;

	/*
	 * We skip a blank at either edge of the term. In the text it can be a separator, or part of a token if there is
	 * another blank next to it; we cannot tell which, and what comes after it is unknown in either case.
	 */
	if (end - begin > 0 && character_is_separator(begin, begin, end))
		begin++;
	if (end - begin > 0 && character_is_separator(end - 1, begin, end))
		end--;
	for (Token token = token_next(begin, begin, end), following; !token_is_empty(&token); token = following)
	{
		following = token_next(token.to, begin, end);
		if (!token_is_empty(&following))
		{
			Edge before = token_edge(&token, true, token.from == begin);
			Edge after = token_edge(&following, false, following.to == end);
			GramClue clue = clue_of_range(bridge_range(&before, &after));

			if (!parley_clue_is_exact(&clue))
				vague = clue;
			else if (count < clues_max)
				clues[count++] = clue;
		}
		for (const uint32_t *at = token.from; at + 2 < token.to && count < clues_max; at++)
			clues[count++] = clue_of_gram(gram_of_three(at[0], at[1], at[2]));
	}
	if (count == 0)
	{
		Token token = token_next(begin, begin, end);

		if (vague.range_count > 0)
			clues[count++] = vague;
		else if (!token_is_empty(&token))
			count = clues_of_short_token(&token, clues);
	}
	return count;
}
