/*
 * utf8: validation by RFC 3629, and counting of characters.
 */
#include "base/utf8.h"

/* The length of the character at text, or 0 if there is none that is valid. */
static size_t
character_length(const unsigned char *text, size_t left)
{
	unsigned char lead = text[0];
	unsigned char low = 0x80;
	unsigned char high = 0xBF;
	size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;

	if (length == 0 || length > left)
		return 0;
	if (lead == 0xE0)
		low = 0xA0;
	else if (lead == 0xED)
		high = 0x9F;
	else if (lead == 0xF0)
		low = 0x90;
	else if (lead == 0xF4)
		high = 0x8F;
	for (size_t i = 1; i < length; i++)
	{
		if (text[i] < low || text[i] > high)
			return 0;
		low = 0x80;
		high = 0xBF;
	}
	return length;
}

bool
utf8_is_valid(const char *text, size_t length)
{
	const unsigned char *bytes = (const unsigned char *) text;

	for (size_t at = 0; at < length;)
	{
		size_t step = character_length(bytes + at, length - at);

		if (step == 0)
			return false;
		at += step;
	}
	return true;
}

size_t
utf8_count(const char *text, size_t length)
{
	size_t count = 0;

	for (size_t i = 0; i < length; i++)
		count += ((unsigned char) text[i] & 0xC0) != 0x80;
	return count;
}
