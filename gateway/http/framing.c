/*
 * framing: where a request ends, and what it is for. Two servers that read it differently can be made to take one's
 * body for another's request, so what can be read in two ways is refused.
 */
#include "http/framing.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "http/target.h"

/* How many lines of the raw head begin with the name and a colon. */
static int
count_header_lines(h2o_iovec_t head, const char *name)
{
	size_t length = strlen(name);
	int count = 0;

	for (const char *line = head.base, *end = head.base + head.len; line < end;)
	{
		const char *next = memchr(line, '\n', (size_t) (end - line));

		if (line[0] == '\r' || line[0] == '\n')
			break;
		if ((size_t) (end - line) > length && line[length] == ':' && strncasecmp(line, name, length) == 0)
			count++;
		line = next == NULL ? end : next + 1;
	}
	return count;
}

/*
 * Whether a body's length is said in one way and once. h2o takes these headers out of the request and is content with
 * both, which another server before it may read differently; the raw head is still in the socket's buffer.
 */
static bool
is_length_plain(const h2o_req_t *http)
{
	h2o_socket_t *socket = http->conn->callbacks->get_socket(http->conn);
	h2o_iovec_t head;

	if (http->entity.base == NULL || socket == NULL || socket->input->bytes == NULL)
		return true;
	head = h2o_iovec_init(socket->input->bytes, socket->input->size);
	if (head.len < http->method.len || memcmp(head.base, http->method.base, http->method.len) != 0)
		return true;
	return count_header_lines(head, "content-length") + count_header_lines(head, "transfer-encoding") <= 1;
}

/* Brings any form into the origin form, so that nothing behind knows another. */
static bool
take_target(h2o_req_t *http)
{
	h2o_iovec_t raw = http->path;
	Target target =
		target_parse(raw.base, raw.len, h2o_memis(http->method.base, http->method.len, H2O_STRLIT("OPTIONS")));

	if (target.form == TARGET_MALFORMED)
		return false;
	if (target.form == TARGET_ABSOLUTE)
		http->authority = h2o_iovec_init(raw.base + target.authority.start, target.authority.length);
	if (target.form == TARGET_ABSOLUTE && target.path.length == 0)
		http->path = h2o_concat(&http->pool, h2o_iovec_init(H2O_STRLIT("/")),
								h2o_iovec_init(raw.base + target.path.start, raw.len - target.path.start));
	else
		http->path = h2o_iovec_init(raw.base + target.path.start, raw.len - target.path.start);
	http->query_at = target.has_query ? (target.path.length == 0 ? 1 : target.path.length) : SIZE_MAX;
	return true;
}

FramingFault
framing_check(h2o_req_t *http, const FramingLimits *limits)
{
	if (!is_length_plain(http))
	{
		http->http1_is_persistent = 0;
		return (FramingFault){ 400, "A request has one Content-Length or a Transfer-Encoding, not both." };
	}
	if (http->path.len > limits->target_bytes)
		return (FramingFault){ 414, "The path and its query are too long." };
	if (!take_target(http))
		return (FramingFault){ 400, "The request target is not a path." };
	if (http->entity.len > limits->body_bytes)
		return (FramingFault){ 413, "The body is too large." };
	return (FramingFault){ 0 };
}
