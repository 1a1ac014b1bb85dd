/*
 * target: each part is found by moving on from the previous one, so no length is ever calculated from a position before
 * its start.
 */
#include "http/target.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum
{
	PORT_MAX = 65535
};

/* Returns the position of the first of the stop bytes from `start` on, or the end if there is none. */
static size_t
bytes_find_any(const char *bytes, size_t start, size_t end, const char *stops)
{
	while (start < end && (bytes[start] == '\0' || strchr(stops, bytes[start]) == NULL))
		start++;
	return start;
}

/* Returns whether there are only letters, digits and the given other characters. */
static bool
bytes_are_only(const char *bytes, size_t length, const char *others)
{
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char) bytes[i]) && (bytes[i] == '\0' || strchr(others, bytes[i]) == NULL))
			return false;
	return true;
}

bool
target_is_authority(const char *bytes, size_t length)
{
	bool is_bracketed = length > 0 && bytes[0] == '[';
	size_t start = is_bracketed ? 1 : 0;
	size_t end = bytes_find_any(bytes, start, length, is_bracketed ? "]" : ":");
	unsigned long port = 0;

	/* An IPv6 address or what may follow one; or a name, which includes IPv4 addresses. */
	if (end == start || !bytes_are_only(bytes + start, end - start, is_bracketed ? ":.v-_~" : "-._~%!$&'()*+,;="))
		return false;
	if (is_bracketed && end == length)
		return false;
	if (is_bracketed)
		end++;
	if (end < length && bytes[end] != ':')
		return false;
	/* Accepts digits or nothing: "host:" has the scheme's default port. */
	for (size_t i = end + 1; i < length && port <= PORT_MAX; i++)
	{
		if (!isdigit((unsigned char) bytes[i]))
			return false;
		port = port * 10 + (unsigned long) (bytes[i] - '0');
	}
	return port <= PORT_MAX;
}

Target
target_parse(const char *bytes, size_t length, bool is_options)
{
	size_t scheme = length >= 7 && strncasecmp(bytes, "http://", 7) == 0    ? 7
					: length >= 8 && strncasecmp(bytes, "https://", 8) == 0 ? 8
																			: 0;
	Target target = { .form = scheme > 0 ? TARGET_ABSOLUTE : TARGET_ORIGIN };
	size_t authority_end = scheme == 0 ? 0 : bytes_find_any(bytes, scheme, length, "/?#");
	size_t path_end = bytes_find_any(bytes, authority_end, length, "?#");

	if (length == 1 && bytes[0] == '*' && is_options)
		return (Target){ .form = TARGET_ASTERISK };
	target.authority = (TargetPart){ scheme, authority_end - scheme };
	target.path = (TargetPart){ authority_end, path_end - authority_end };
	target.has_query = path_end < length;
	if (target.has_query)
		target.query = (TargetPart){ path_end + 1, length - path_end - 1 };
	if (memchr(bytes, '#', length) != NULL ||
		(scheme > 0 ? !target_is_authority(bytes + scheme, target.authority.length) : length == 0 || bytes[0] != '/'))
		return (Target){ .form = TARGET_MALFORMED };
	return target;
}
