/*
 * target: each part is found by moving on from the last; no length comes from a place that may lie before its start.
 */
#include "http/target.h"

#include <string.h>
#include <strings.h>

enum
{
	PORT_MAX = 65535
};

/* Where the first of the stop bytes is, from start on; the end if there is none. */
static size_t
find_any(const char *bytes, size_t start, size_t end, const char *stops)
{
	while (start < end && (bytes[start] == '\0' || strchr(stops, bytes[start]) == NULL))
		start++;
	return start;
}

/* Digits, or none: "host:" has the scheme's own port. */
static bool
is_port(const char *bytes, size_t length)
{
	unsigned long port = 0;

	for (size_t i = 0; i < length; i++)
	{
		if (bytes[i] < '0' || bytes[i] > '9')
			return false;
		port = port * 10 + (unsigned long) (bytes[i] - '0');
		if (port > PORT_MAX)
			return false;
	}
	return true;
}

static bool
contains_only(const char *bytes, size_t length, const char *others)
{
	for (size_t i = 0; i < length; i++)
	{
		char byte = bytes[i];

		if (!((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9')) &&
			(byte == '\0' || strchr(others, byte) == NULL))
			return false;
	}
	return true;
}

bool
target_is_authority(const char *bytes, size_t length)
{
	bool is_bracketed = length > 0 && bytes[0] == '[';
	size_t start = is_bracketed ? 1 : 0;
	size_t end = find_any(bytes, start, length, is_bracketed ? "]" : ":");

	/* An IPv6 address or what may come after it; or a name, in which an IPv4 address is one too. */
	if (end == start || !contains_only(bytes + start, end - start, is_bracketed ? ":.v-_~" : "-._~%!$&'()*+,;="))
		return false;
	if (is_bracketed && end == length)
		return false;
	if (is_bracketed)
		end++;
	return end == length || (bytes[end] == ':' && is_port(bytes + end + 1, length - end - 1));
}

/* The length of "http://" or "https://", in any case; 0 if the target does not begin so. */
static size_t
scheme_length(const char *bytes, size_t length)
{
	if (length >= 7 && strncasecmp(bytes, "http://", 7) == 0)
		return 7;
	return length >= 8 && strncasecmp(bytes, "https://", 8) == 0 ? 8 : 0;
}

Target
target_parse(const char *bytes, size_t length, bool is_options)
{
	size_t scheme = scheme_length(bytes, length);
	Target target = { .form = scheme > 0 ? TARGET_ABSOLUTE : TARGET_ORIGIN };
	size_t authority_end = scheme == 0 ? 0 : find_any(bytes, scheme, length, "/?#");
	size_t path_end = find_any(bytes, authority_end, length, "?#");

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
