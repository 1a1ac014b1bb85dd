/*
 * json_writer: JSON text, written straight into a buffer. Runs of plain bytes are copied whole.
 */
#include "base/json_writer.h"

#include <string.h>

/* What follows the backslash of a byte that must be escaped; 0: it need not. */
static const char escapes[256] = { [0 ... 7] = 'u', ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n',      ['\v'] = 'u',
								   ['\f'] = 'f',    ['\r'] = 'r', ['"'] = '"',  [14 ... 31] = 'u', ['\\'] = '\\' };

static void
write_escape(Buffer *buffer, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";
	const char escape[] = { '\\', escapes[byte], '0', '0', digits[byte >> 4], digits[byte & 15] };

	buffer_append(buffer, escape, escapes[byte] == 'u' ? 6 : 2);
}

void
json_write_string(Buffer *buffer, const char *text, size_t length)
{
	size_t plain = 0;

	buffer_append_byte(buffer, '"');
	for (size_t i = 0; i < length; i++)
	{
		unsigned char byte = (unsigned char) text[i];

		if (escapes[byte] == 0)
			continue;
		buffer_append(buffer, text + plain, i - plain);
		write_escape(buffer, byte);
		plain = i + 1;
	}
	buffer_append(buffer, text + plain, length - plain);
	buffer_append_byte(buffer, '"');
}

void
json_write_text(Buffer *buffer, const char *text)
{
	if (text == NULL)
		buffer_append_text(buffer, "null");
	else
		json_write_string(buffer, text, strlen(text));
}
