/*
 * rfc3339: strptime() accepts more than RFC 3339 allows, and so does PostgreSQL, so the form is compared byte by byte
 * first.
 */
#include "base/rfc3339.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum
{
	TIME_LENGTH_MIN = 20,
	TIME_LENGTH_MAX = 64,
	ZONE_HOURS_MAX = 15 /* the most that PostgreSQL accepts */
};

static const time_t year_1 = -62135596800;
static const time_t year_10000 = 253402300800;

/* Returns whether the text starts with the form, in which 0 stands for any digit. */
static bool
form_matches(const char *form, const char *text)
{
	for (; *form != '\0'; form++, text++)
		if (*form == '0' ? *text < '0' || *text > '9' : *text != *form)
			return false;
	return true;
}

/* Parses Z, or an offset, in seconds. */
static bool
zone_read(const char *text, time_t *offset_s)
{
	int hours = 0;
	int minutes = 0;

	if (strcasecmp(text, "Z") != 0)
	{
		if (strlen(text) != 6 || (text[0] != '+' && text[0] != '-') || !form_matches("00:00", text + 1))
			return false;
		sscanf(text + 1, "%2d:%2d", &hours, &minutes);
	}
	*offset_s = (hours * 60 + minutes) * (text[0] == '-' ? -60 : 60);
	return hours <= ZONE_HOURS_MAX && minutes <= 59;
}

bool
rfc3339_is_valid(const char *text)
{
	size_t length = strlen(text);
	const char *at = text + 19;
	struct tm time = { 0 };
	struct tm day;
	int rounded_up = 0;
	time_t offset_s;
	time_t instant;

	if (length < TIME_LENGTH_MIN || length > TIME_LENGTH_MAX || !form_matches("0000-00-00", text) ||
		strchr("Tt ", text[10]) == NULL || !form_matches("00:00:00", text + 11))
		return false;
	sscanf(text, "%4d-%2d-%2d%*c%2d:%2d:%2d", &time.tm_year, &time.tm_mon, &time.tm_mday, &time.tm_hour, &time.tm_min,
		   &time.tm_sec);
	if (*at == '.')
	{
		size_t digits = strspn(++at, "0123456789");

		/* A leap second has no fraction. */
		if (digits == 0 || (time.tm_sec == 60 && strspn(at, "0") < digits))
			return false;
		/* PostgreSQL has microseconds. */
		rounded_up = digits > 6 && strncmp(at, "999999", 6) == 0 && at[6] >= '5';
		at += digits;
	}
	if (time.tm_year < 1 || time.tm_hour > 23 || time.tm_min > 59 || time.tm_sec > 60 || !zone_read(at, &offset_s))
		return false;
	time.tm_year -= 1900;
	time.tm_mon--;
	day = (struct tm){ .tm_year = time.tm_year, .tm_mon = time.tm_mon, .tm_mday = time.tm_mday };
	timegm(&day);
	if (day.tm_mon != time.tm_mon || day.tm_mday != time.tm_mday) /* if it was carried over, as for February 30 */
		return false;
	instant = timegm(&time) + rounded_up - offset_s;
	return instant >= year_1 && instant < year_10000;
}

void
rfc3339_write(Buffer *out, const char *text, size_t length)
{
	/* Otherwise it is infinity, or a year that RFC 3339 cannot represent. */
	if (length <= 13 || text[10] != ' ' || memcmp(text + length - 3, "+00", 3) != 0)
	{
		buffer_append(out, "null", 4);
		return;
	}
	buffer_append_byte(out, '"');
	buffer_append(out, text, 10);
	buffer_append_byte(out, 'T');
	buffer_append(out, text + 11, length - 14);
	buffer_append(out, "Z\"", 2);
}
