/*
 * target: parses the target of a request (RFC 9112, 3.2). It only looks at the bytes, and allocates nothing.
 */
#ifndef TARGET_H
#define TARGET_H

#include <stdbool.h>
#include <stddef.h>

typedef enum TargetForm
{
	TARGET_MALFORMED,
	TARGET_ORIGIN,   /* /path?query */
	TARGET_ABSOLUTE, /* http://authority/path?query, as sent to proxies; a server must accept it */
	TARGET_ASTERISK  /* *, only for OPTIONS: the server as a whole */
} TargetForm;

typedef struct TargetPart
{
	size_t start;
	size_t length;
} TargetPart;

/* Each part is within the target. An absolute target may have no path, which means "/". */
typedef struct Target
{
	TargetForm form;
	bool has_query;
	TargetPart authority; /* host or host:port; empty except in the absolute form */
	TargetPart path;
	TargetPart query; /* without its question mark */
} Target;

/*
 * Parses a target of `length` bytes. The authority form (host:port) belongs to CONNECT, which no route has, so it
 * counts as malformed. So do schemes other than http and https, a userinfo, an invalid host or port, and a fragment.
 */
Target target_parse(const char *bytes, size_t length, bool is_options);

/* Returns whether it is host or host:port according to RFC 3986, 3.2, with a host that is not empty and without a
 * userinfo. */
bool target_is_authority(const char *bytes, size_t length);

#endif
