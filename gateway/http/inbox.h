/*
 * inbox: the operator's page, the files of --inbox-dir under /inbox/. They hold no secret: what the page shows it asks
 * the API for, with the reader's token.
 */
#ifndef HTTP_INBOX_H
#define HTTP_INBOX_H

#include <h2o.h>

/* Serves a directory's files under /inbox/; what is not there is answered by on_missing. */
void inbox_register(h2o_hostconf_t *host, const char *directory, int (*on_missing)(h2o_handler_t *, h2o_req_t *));

#endif
