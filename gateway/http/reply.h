/*
 * reply: passes a response to h2o: status, headers, body. Each request gets exactly one.
 */
#ifndef REPLY_H
#define REPLY_H

#include "call/problem.h"
#include "http/request.h"

/* Responds with a body of the given type, which is moved out of *body. Headers that were added before are kept. */
void reply_body(Request *request, int status, const char *content_type, Buffer *body);

/* In on_result of the request's query: responds with the request's `response`. What is large is written and sent in
 * pieces, for which it keeps the query's result. */
void reply_rows(Request *request);

/* Responds with a problem document. */
void reply_problem(Request *request, const Problem *problem);

/* Responds with a problem of the gateway's own. */
void reply_error(Request *request, int status, const char *detail);

void reply_header(Request *request, const char *name, const char *value, size_t length);

/* Adds the headers of cross-origin responses if the request's origin is one of these ("*" is any) and may call; returns
 * whether it is. Credentials are bearer tokens, never cookies, so sending credentials is not allowed. */
bool reply_cors_headers(h2o_req_t *http, const char *origins);

/* Turns the plain-text errors that h2o itself sends (400, 413, 417) into problem documents. For the fallback path. */
void reply_register_filter(h2o_pathconf_t *path);

#endif
