/*
 * json_writer: JSON text, written straight into a buffer. Runs of plain bytes are copied whole.
 */
#include "base/json_writer.h"

#include <string.h>

static void
write_escape(Buffer *buffer, unsigned char byte)
{
	static const char letters[] = "btn\0fr";

	buffer_append_byte(buffer, '\\');
	if (byte == '"' || byte == '\\')
		buffer_append_byte(buffer, (char) byte);
	else if (byte >= '\b' && byte <= '\r' && byte != '\v')
		buffer_append_byte(buffer, letters[byte - '\b']);
	else
		buffer_printf(buffer, "u%04x", byte);
}

void
json_write_string(Buffer *buffer, const char *text, size_t length)
{
	size_t plain = 0;

	buffer_append_byte(buffer, '"');
	for (size_t i = 0; i < length; i++)
	{
		unsigned char byte = (unsigned char) text[i];

		if (byte >= 0x20 && byte != '"' && byte != '\\')
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
