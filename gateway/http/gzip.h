/*
 * gzip: bodies compressed whole, so that their length is known.
 */
#ifndef GZIP_H
#define GZIP_H

#include <stdbool.h>

#include "base/buffer.h"

/* Whether an Accept-Encoding header takes gzip. */
bool gzip_is_accepted(const char *header, size_t length);

/* Compresses body in its place; false, and unchanged, if that would not make it smaller. */
bool gzip_compress(Buffer *body);

#endif
