/*
 * percent: percent-encoding (RFC 3986) of path segments and query strings.
 */
#include "base/percent.h"

#include <string.h>

#include "base/utf8.h"

static int
hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

PercentResult
percent_decode(const char *in, size_t length, bool plus_is_blank, char *out, size_t *out_length)
{
	size_t written = 0;

	for (size_t i = 0; i < length; i++)
	{
		char byte = in[i];

		if (byte == '%')
		{
			int high = i + 2 < length ? hex_value(in[i + 1]) : -1;
			int low = i + 2 < length ? hex_value(in[i + 2]) : -1;

			if (high < 0 || low < 0)
				return PERCENT_MALFORMED;
			byte = (char) (high * 16 + low);
			i += 2;
		}
		else if (byte == '+' && plus_is_blank)
			byte = ' ';
		out[written++] = byte;
	}
	out[written] = '\0';
	*out_length = written;
	return utf8_is_valid(out, written) ? PERCENT_OK : PERCENT_NOT_UTF8;
}

static bool
is_unreserved(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
		   (byte != '\0' && strchr("-._~", byte) != NULL);
}

void
percent_encode_byte(Buffer *buffer, unsigned char byte)
{
	static const char digits[] = "0123456789ABCDEF";
	const char encoded[] = { '%', digits[byte >> 4], digits[byte & 15] };

	buffer_append(buffer, encoded, sizeof(encoded));
}

void
percent_encode(Buffer *buffer, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		if (is_unreserved(text[i]))
			buffer_append_byte(buffer, text[i]);
		else
			percent_encode_byte(buffer, (unsigned char) text[i]);
	}
}
