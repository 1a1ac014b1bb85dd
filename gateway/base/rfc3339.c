/*
 * rfc3339: times as clients write them, and as PostgreSQL does.
 */
#include "base/rfc3339.h"

#include <string.h>

enum
{
	OFFSET_HOUR_MAX = 15, /* what PostgreSQL takes */
	MINUTES_OF_A_DAY = 1440
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
skip_one(const char **at, const char *any_of)
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

/* The first of the years 1 to 9999 is -1, the last 1, any other day 0; false if it is no date. */
static bool
read_date(const char **at, int *edge)
{
	int year = read_digits(at, 4);
	int month = skip_one(at, "-") ? read_digits(at, 2) : -1;
	int day = skip_one(at, "-") ? read_digits(at, 2) : -1;

	*edge = year == 1 && month == 1 && day == 1 ? -1 : year == 9999 && month == 12 && day == 31 ? 1 : 0;
	return is_date(year, month, day);
}

/* hh:mm, each in its range, in minutes; -1 if it is none. */
static int
read_minutes(const char **at, int last_hour)
{
	int hour = read_digits(at, 2);
	int minute = skip_one(at, ":") ? read_digits(at, 2) : -1;

	return hour < 0 || hour > last_hour || minute < 0 || minute > 59 ? -1 : hour * 60 + minute;
}

/* :ss, with or without a fraction; -1 if it is none. Rounded up where PostgreSQL's microseconds would be. A leap second
 * is whole. */
static int
read_seconds(const char **at)
{
	int second = skip_one(at, ":") ? read_digits(at, 2) : -1;
	const char *fraction;

	if (second < 0 || second > 60)
		return -1;
	if (!skip_one(at, "."))
		return second;
	fraction = *at;
	*at += strspn(fraction, "0123456789");
	if (*at == fraction || (second == 60 && strspn(fraction, "0") < (size_t) (*at - fraction)))
		return -1;
	return second + (strncmp(fraction, "999999", 6) == 0 && fraction[6] >= '5' && fraction[6] <= '9' ? 1 : 0);
}

/* Z or an offset, in minutes. */
static bool
read_zone(const char **at, int *minutes)
{
	bool is_west = **at == '-';

	*minutes = 0;
	if (skip_one(at, "Zz"))
		return true;
	if (!skip_one(at, "+-"))
		return false;
	*minutes = read_minutes(at, OFFSET_HOUR_MAX);
	if (*minutes < 0)
		return false;
	if (is_west)
		*minutes = -*minutes;
	return true;
}

bool
rfc3339_is_valid(const char *text)
{
	int edge;
	int minutes;
	int seconds;
	int zone;

	if (strlen(text) > 64 || !read_date(&text, &edge) || !skip_one(&text, "Tt "))
		return false;
	minutes = read_minutes(&text, 23);
	seconds = minutes < 0 ? -1 : read_seconds(&text);
	if (seconds < 0 || !read_zone(&text, &zone) || *text != '\0')
		return false;
	minutes = minutes - zone + seconds / 60; /* of the day, in UTC */
	return edge < 0 ? minutes >= 0 : edge == 0 || minutes < MINUTES_OF_A_DAY;
}

void
rfc3339_write(Buffer *out, const char *text, size_t length)
{
	bool plain = length > 13 && text[10] == ' ' && memcmp(text + length - 3, "+00", 3) == 0;

	if (!plain) /* infinity, or a year that RFC 3339 cannot write */
	{
		buffer_append_text(out, "null");
		return;
	}
	buffer_append_byte(out, '"');
	buffer_append(out, text, 10);
	buffer_append_byte(out, 'T');
	buffer_append(out, text + 11, length - 14);
	buffer_append(out, "Z\"", 2);
}
