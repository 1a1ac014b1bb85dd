/*
 * csv: see csv.h.
 */
#include "base/csv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void
csv_write_field(Buffer *out, const char *text, size_t length)
{
	size_t plain = 0;
	bool quoted = length == 0;

	for (size_t i = 0; i < length && !quoted; i++)
		quoted = strchr(",\"\r\n", text[i]) != NULL;
	if (quoted)
		buffer_append_byte(out, '"');
	for (size_t i = 0; i < length; i++)
	{
		if (text[i] != '"')
			continue;
		/* Append up to and including the quote. It is written again before what follows. */
		buffer_append(out, text + plain, i + 1 - plain);
		plain = i;
	}
	buffer_append(out, text + plain, length - plain);
	if (quoted)
		buffer_append_byte(out, '"');
}

/* Reads a media range and its weight in thousandths, by default 1000. Returns the text after its comma. */
static const char *
range_read(const char *at, char *range, size_t size, int *weight)
{
	size_t length = strcspn(at, ",");
	size_t type = strcspn(at, ",; \t");

	*weight = 1000;
	for (const char *parameter = memchr(at, ';', length); parameter != NULL;
		 parameter = memchr(parameter, ';', length - (size_t) (parameter - at)))
	{
		parameter += 1 + strspn(parameter + 1, " \t");
		if (strncasecmp(parameter, "q=", 2) == 0)
		{
			double value = strtod(parameter + 2, NULL);

			*weight = value > 0 && value <= 1 ? (int) (value * 1000) : 0;
		}
	}
	type = type < size ? type : size - 1;
	memcpy(range, at, type);
	range[type] = '\0';
	at += length;
	return at + strspn(at, ", \t");
}

bool
csv_is_preferred(const char *accept, size_t length)
{
	char text[512];
	char range[32];
	int csv = 0, json = -1, anything = 0;

	if (length == 0 || length >= sizeof(text))
		return false;
	memcpy(text, accept, length);
	text[length] = '\0';
	for (const char *at = text + strspn(text, ", \t"); *at != '\0';)
	{
		int weight;

		at = range_read(at, range, sizeof(range), &weight);
		if (strcasecmp(range, "text/csv") == 0)
			csv = weight;
		else if (strcasecmp(range, "application/json") == 0)
			json = weight;
		else if ((strcasecmp(range, "application/*") == 0 || strcmp(range, "*/*") == 0) && weight > anything)
			anything = weight;
	}
	/* With equal weights, JSON is preferred. If only CSV is named, it is preferred to a wildcard of the same weight. */
	return csv > 0 && (json >= 0 ? csv > json : csv >= anything);
}
