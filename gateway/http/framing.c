/*
 * framing: where a request ends, and what it is for. Two servers that read it differently can be made to take one's
 * body for another's request, so what can be read in two ways is refused.
 */
#include "http/framing.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "http/target.h"

/* Headers that a request has once, if at all. Those that h2o takes out of the request come first. */
typedef enum SingleHeader
{
	SINGLE_HOST,
	SINGLE_CONTENT_LENGTH,
	SINGLE_TRANSFER_ENCODING,
	SINGLE_EXPECT,
	SINGLE_CONTENT_TYPE,
	SINGLE_CONTENT_ENCODING,
	SINGLE_AUTHORIZATION,
	SINGLE_IDEMPOTENCY_KEY,
	SINGLE_LAST_EVENT_ID,
	SINGLE_ORIGIN,
	SINGLE_X_REQUEST_ID,
	SINGLE_COUNT
} SingleHeader;

static const char *const single_names[SINGLE_COUNT] = { "Host",          "Content-Length",  "Transfer-Encoding",
														"Expect",        "Content-Type",    "Content-Encoding",
														"Authorization", "Idempotency-Key", "Last-Event-ID",
														"Origin",        "X-Request-Id" };

/* What the head's own bytes say. */
typedef struct Head
{
	const char *at;
	const char *end;
	bool has[SINGLE_COUNT];
	h2o_iovec_t host;
	h2o_iovec_t content_encoding;
} Head;

static const FramingFault none;

static FramingFault
refuse(int status, const char *detail)
{
	return (FramingFault){ status, detail };
}

/* Takes the next line off, without its end; false if that is not CR and LF. */
static bool
take_line(Head *head, h2o_iovec_t *line)
{
	const char *newline = memchr(head->at, '\n', (size_t) (head->end - head->at));

	if (newline == NULL || newline == head->at || newline[-1] != '\r')
		return false;
	*line = h2o_iovec_init(head->at, (size_t) (newline - 1 - head->at));
	head->at = newline + 1;
	return true;
}

/* Takes the bytes off the line's beginning, if it begins so. */
static bool
skip(h2o_iovec_t *line, const char *bytes, size_t length)
{
	if (line->len < length || memcmp(line->base, bytes, length) != 0)
		return false;
	*line = h2o_iovec_init(line->base + length, line->len - length);
	return true;
}

static bool
is_token(h2o_iovec_t text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.base[i] <= ' ' || text.base[i] >= 0x7F || strchr("\"(),/:;<=>?@[\\]{}", text.base[i]) != NULL)
			return false;
	return text.len > 0;
}

/* "METHOD target HTTP/1.x", as h2o has read it. An empty line before it belongs to what came before. */
static bool
is_request_line(Head *head, const h2o_req_t *http)
{
	h2o_iovec_t line;

	if (!take_line(head, &line) || (line.len == 0 && !take_line(head, &line)))
		return false;
	return is_token(http->input.method) && skip(&line, http->input.method.base, http->input.method.len) &&
		   skip(&line, " ", 1) && skip(&line, http->input.path.base, http->input.path.len) &&
		   (http->version == 0x101 ? skip(&line, " HTTP/1.1", 9) : skip(&line, " HTTP/1.0", 9)) && line.len == 0;
}

static h2o_iovec_t
trim(h2o_iovec_t text)
{
	while (text.len > 0 && (text.base[0] == ' ' || text.base[0] == '\t'))
		text = h2o_iovec_init(text.base + 1, text.len - 1);
	while (text.len > 0 && (text.base[text.len - 1] == ' ' || text.base[text.len - 1] == '\t'))
		text.len--;
	return text;
}

/* One header line, which h2o has found to have a name and a colon unless it is folded. */
static FramingFault
take_header(Head *head, h2o_iovec_t line, h2o_req_t *http)
{
	const char *colon = memchr(line.base, ':', line.len);
	size_t length = colon == NULL ? 0 : (size_t) (colon - line.base);
	h2o_iovec_t value;

	if (colon == NULL || line.base[0] == ' ' || line.base[0] == '\t')
		return refuse(400, "A header is folded into a second line.");
	value = trim(h2o_iovec_init(colon + 1, line.len - length - 1));
	for (int i = 0; i < SINGLE_COUNT; i++)
	{
		h2o_iovec_t name = h2o_iovec_init(single_names[i], strlen(single_names[i]));

		if (length != name.len || strncasecmp(line.base, name.base, length) != 0)
			continue;
		if (head->has[i])
			return refuse(400, h2o_concat(&http->pool, h2o_iovec_init(H2O_STRLIT("There is more than one ")), name,
										  h2o_iovec_init(H2O_STRLIT(" header.")))
								   .base);
		head->has[i] = true;
		if (i == SINGLE_HOST)
			head->host = value;
		if (i == SINGLE_CONTENT_ENCODING)
			head->content_encoding = value;
	}
	if (length == 10 && strncasecmp(line.base, "connection", 10) == 0 &&
		h2o_contains_token(value.base, value.len, H2O_STRLIT("close"), ','))
		http->http1_is_persistent = 0;
	return none;
}

static FramingFault
check_headers(const Head *head, const h2o_req_t *http)
{
	if (head->has[SINGLE_TRANSFER_ENCODING] && head->has[SINGLE_CONTENT_LENGTH])
		return refuse(400, "A request has a Content-Length or a Transfer-Encoding, not both.");
	if (head->has[SINGLE_TRANSFER_ENCODING] && http->version < 0x101)
		return refuse(400, "HTTP/1.0 has no Transfer-Encoding.");
	if (http->version >= 0x101 && !head->has[SINGLE_HOST])
		return refuse(400, "A request has a Host header.");
	if (head->has[SINGLE_HOST] && !target_is_authority(head->host.base, head->host.len))
		return refuse(400, "The Host header is not a host with or without a port.");
	return none;
}

/*
 * h2o takes some headers out of the request, and reads a head more kindly than others do who may stand before it. The
 * raw head is still at the beginning of the socket's buffer; a body in chunks, which is decoded in place, follows it.
 */
static FramingFault
check_head(Head *head, h2o_req_t *http)
{
	h2o_buffer_t *input = http->conn->callbacks->get_socket(http->conn)->input;
	h2o_iovec_t line;
	FramingFault fault = none;

	head->at = input->bytes;
	head->end = input->bytes + input->size;
	if (http->input.method.len == 0)
		return input->size < H2O_MAX_REQLEN ? refuse(400, "The request's head is malformed.")
											: refuse(431, "The request's head is too long.");
	if (!is_request_line(head, http))
		return refuse(400, "The request line is malformed.");
	while (fault.status == 0)
	{
		if (!take_line(head, &line))
			return refuse(400, "A line of the request's head does not end with CR and LF.");
		if (line.len == 0)
			return check_headers(head, http);
		fault = take_header(head, line, http);
	}
	return fault;
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
	Head head = { 0 };
	FramingFault fault = check_head(&head, http);

	if (fault.status != 0)
	{
		http->http1_is_persistent = 0;
		return fault;
	}
	if (http->path.len > limits->target_bytes)
		return refuse(414, "The path and its query are too long.");
	if (!take_target(http))
		return refuse(400, "The request target is not a path.");
	if (http->entity.len > limits->body_bytes)
		return refuse(413, "The body is too large.");
	if (head.has[SINGLE_CONTENT_ENCODING] &&
		!h2o_lcstris(head.content_encoding.base, head.content_encoding.len, H2O_STRLIT("identity")))
		return refuse(415, "The body must not have a content coding.");
	return none;
}
