/*
 * rfc3339: times as clients write them, and as PostgreSQL does.
 */
#include "base/rfc3339.h"

#include <string.h>

#include "base/json_writer.h"

enum
{
	OFFSET_HOUR_MAX = 15 /* what PostgreSQL takes */
};

/* Reads count digits; -1 if they are not there. */
static int
read_digits(const char **at, int count)
{
	int number = 0;

	for (int i = 0; i < count; i++, (*at)++)
	{
		if (**at < '0' || **at > '9')
			return -1;
		number = number * 10 + (**at - '0');
	}
	return number;
}

static bool
skip(const char **at, const char *any_of)
{
	if (**at == '\0' || strchr(any_of, **at) == NULL)
		return false;
	(*at)++;
	return true;
}

static bool
is_date(int year, int month, int day)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return year >= 1 && month >= 1 && month <= 12 && day >= 1 &&
		   day <= lengths[month - 1] + (month == 2 && leap ? 1 : 0);
}

static bool
skip_date(const char **at)
{
	int year = read_digits(at, 4);
	int month = skip(at, "-") ? read_digits(at, 2) : -1;
	int day = skip(at, "-") ? read_digits(at, 2) : -1;

	return is_date(year, month, day);
}

/* hh:mm, each in its range. */
static bool
skip_hours(const char **at, int last)
{
	int hour = read_digits(at, 2);
	int minute = skip(at, ":") ? read_digits(at, 2) : -1;

	return hour >= 0 && hour <= last && minute >= 0 && minute <= 59;
}

static bool
skip_seconds(const char **at)
{
	int second = skip(at, ":") ? read_digits(at, 2) : -1;

	if (second < 0 || second > 60)
		return false;
	if (!skip(at, "."))
		return true;
	if (read_digits(at, 1) < 0)
		return false;
	*at += strspn(*at, "0123456789");
	return true;
}

bool
rfc3339_is_valid(const char *text)
{
	if (strlen(text) > 64 || !skip_date(&text) || !skip(&text, "Tt ") || !skip_hours(&text, 23) || !skip_seconds(&text))
		return false;
	if (skip(&text, "Zz"))
		return *text == '\0';
	return skip(&text, "+-") && skip_hours(&text, OFFSET_HOUR_MAX) && *text == '\0';
}

void
rfc3339_write(Buffer *out, const char *text, size_t length)
{
	bool plain = length > 13 && text[10] == ' ' && memcmp(text + length - 3, "+00", 3) == 0;

	if (!plain) /* infinity, or a year that RFC 3339 cannot write */
	{
		json_write_string(out, text, length);
		return;
	}
	buffer_append_byte(out, '"');
	buffer_append(out, text, 10);
	buffer_append_byte(out, 'T');
	buffer_append(out, text + 11, length - 14);
	buffer_append(out, "Z\"", 2);
}
