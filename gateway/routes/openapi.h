/*
 * openapi: the OpenAPI 3.1 document of a router's routes, from what the catalog says of them.
 */
#ifndef OPENAPI_H
#define OPENAPI_H

#include "routes/router.h"

/* The document as JSON text; free it. */
char *openapi_write(const Router *router);

#endif
