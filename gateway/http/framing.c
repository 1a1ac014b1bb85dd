/*
 * framing: where a request ends, and what it is for. If two servers read a request differently, one may take the
 * other's body for a request. So whatever can be read in two ways is refused.
 */
#include "http/framing.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "http/target.h"

/* Headers that a request may have only once. Those that are looked at here come first. */
static const char *const single_names[] = {
	"Host",          "Content-Length",  "Transfer-Encoding", "Content-Encoding", "Expect", "Content-Type",
	"Authorization", "Idempotency-Key", "Last-Event-ID",     "X-Request-Id",     "Origin"
};

enum
{
	SINGLE_HOST,
	SINGLE_CONTENT_LENGTH,
	SINGLE_TRANSFER_ENCODING,
	SINGLE_CONTENT_ENCODING,
	SINGLE_COUNT = sizeof(single_names) / sizeof(single_names[0])
};

/* What the bytes of the head say. */
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
fault_make(int status, const char *detail)
{
	return (FramingFault){ status, detail };
}

/* Takes the next line, without its end. Returns false if it does not end with CR and LF. */
static bool
head_take_line(Head *head, h2o_iovec_t *line)
{
	const char *newline = memchr(head->at, '\n', (size_t) (head->end - head->at));

	if (newline == NULL || newline == head->at || newline[-1] != '\r')
		return false;
	*line = h2o_iovec_init(head->at, (size_t) (newline - 1 - head->at));
	head->at = newline + 1;
	return true;
}

/* Takes the bytes from the start of the line, if it starts with them. */
static bool
line_skip(h2o_iovec_t *line, const char *bytes, size_t length)
{
	if (line->len < length || memcmp(line->base, bytes, length) != 0)
		return false;
	*line = h2o_iovec_init(line->base + length, line->len - length);
	return true;
}

/* Checks "METHOD target HTTP/1.x" against what h2o has read. An empty line before it belongs to what came before. */
static bool
head_take_request_line(Head *head, const h2o_req_t *http)
{
	h2o_iovec_t method = http->input.method;
	h2o_iovec_t line;

	if (!head_take_line(head, &line) || (line.len == 0 && !head_take_line(head, &line)))
		return false;
	for (size_t i = 0; i < method.len; i++)
		if (method.base[i] <= ' ' || method.base[i] >= 0x7F || strchr("\"(),/:;<=>?@[\\]{}", method.base[i]) != NULL)
			return false;
	return method.len > 0 && line_skip(&line, method.base, method.len) && line_skip(&line, " ", 1) &&
		   line_skip(&line, http->input.path.base, http->input.path.len) &&
		   (http->version == 0x101 ? line_skip(&line, " HTTP/1.1", 9) : line_skip(&line, " HTTP/1.0", 9)) &&
		   line.len == 0;
}

/* Checks one header line. h2o has made sure that it has a name and a colon, unless it is a folded line. */
static FramingFault
head_take_header(Head *head, h2o_iovec_t line, h2o_req_t *http)
{
	const char *colon = memchr(line.base, ':', line.len);
	size_t length = colon == NULL ? 0 : (size_t) (colon - line.base);
	h2o_iovec_t value;

	if (colon == NULL || line.base[0] == ' ' || line.base[0] == '\t')
		return fault_make(400, "Folded header lines are not allowed.");
	value = h2o_str_stripws(colon + 1, line.len - length - 1);
	for (int i = 0; i < SINGLE_COUNT; i++)
	{
		h2o_iovec_t name = h2o_iovec_init(single_names[i], strlen(single_names[i]));

		if (length != name.len || strncasecmp(line.base, name.base, length) != 0)
			continue;
		if (head->has[i])
			return fault_make(400, h2o_concat(&http->pool, h2o_iovec_init(H2O_STRLIT("There is more than one ")), name,
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

/*
 * h2o removes some headers from the request, and is more lenient with a head than servers in front of it may be. The
 * raw head is still at the start of the socket's buffer. A chunked body, which is decoded in place, follows it.
 */
static FramingFault
head_check(Head *head, h2o_req_t *http)
{
	h2o_buffer_t *input = http->conn->callbacks->get_socket(http->conn)->input;
	h2o_iovec_t line;

	head->at = input->bytes;
	head->end = input->bytes + input->size;
	if (http->input.method.len == 0)
		return input->size < H2O_MAX_REQLEN ? fault_make(400, "The request head is malformed.")
											: fault_make(431, "The request head is too long.");
	if (!head_take_request_line(head, http))
		return fault_make(400, "The request line is malformed.");
	for (;;)
	{
		FramingFault fault;

		if (!head_take_line(head, &line))
			return fault_make(400, "A line of the request head does not end with CR LF.");
		if (line.len == 0)
			break;
		fault = head_take_header(head, line, http);
		if (fault.status != 0)
			return fault;
	}
	if (head->has[SINGLE_TRANSFER_ENCODING] && head->has[SINGLE_CONTENT_LENGTH])
		return fault_make(400, "Content-Length and Transfer-Encoding must not both be present.");
	if (head->has[SINGLE_TRANSFER_ENCODING] && http->version < 0x101)
		return fault_make(400, "HTTP/1.0 does not support Transfer-Encoding.");
	if (http->version >= 0x101 && !head->has[SINGLE_HOST])
		return fault_make(400, "A Host header is required.");
	if (head->has[SINGLE_HOST] && !target_is_authority(head->host.base, head->host.len))
		return fault_make(400, "The Host header is invalid.");
	return none;
}

/* Converts every form to the origin form, so that the rest need not know the others. */
static bool
target_take(h2o_req_t *http)
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
framing_check(h2o_req_t *http, const Config *config)
{
	Head head = { 0 };
	FramingFault fault = head_check(&head, http);

	if (fault.status != 0)
	{
		http->http1_is_persistent = 0;
		return fault;
	}
	if (http->path.len > (size_t) config->target_limit_bytes)
		return fault_make(414, "The path and its query are too long.");
	if (!target_take(http))
		return fault_make(400, "The request target is not a path.");
	if (http->entity.len > (size_t) config->body_limit_bytes)
		return fault_make(413, "The body is too large.");
	if (head.has[SINGLE_CONTENT_ENCODING] &&
		!h2o_lcstris(head.content_encoding.base, head.content_encoding.len, H2O_STRLIT("identity")))
		return fault_make(415, "The body must not have a content coding.");
	return none;
}
