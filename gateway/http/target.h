/*
 * target: what a request's target says (RFC 9112, 3.2). It looks at bytes, keeps nothing and allocates nothing.
 */
#ifndef TARGET_H
#define TARGET_H

#include <stdbool.h>
#include <stddef.h>

typedef enum TargetForm
{
	TARGET_MALFORMED,
	TARGET_ORIGIN,   /* /path?query */
	TARGET_ABSOLUTE, /* http://authority/path?query, what clients send to proxies; a server must take it */
	TARGET_ASTERISK  /* *, of OPTIONS alone: the server as a whole */
} TargetForm;

typedef struct TargetPart
{
	size_t start;
	size_t length;
} TargetPart;

/* Each part lies within the target; an absolute target may have no path, which stands for "/". */
typedef struct Target
{
	TargetForm form;
	bool has_query;
	TargetPart authority; /* host or host:port; empty but in the absolute form */
	TargetPart path;
	TargetPart query; /* without its question mark */
} Target;

/*
 * Parses a target of length bytes. The authority form (host:port) is CONNECT's, which no route has, and malformed
 * here; so are schemes other than http and https, a userinfo, a host or port that is none, and a fragment.
 */
Target target_parse(const char *bytes, size_t length, bool is_options);

/* Whether it is host or host:port as RFC 3986, 3.2 has it, the host not empty and without a userinfo. */
bool target_is_authority(const char *bytes, size_t length);

#endif
