/*
 * inbox: the operator's page: the files of --inbox-dir under /inbox/. They contain no secrets: the page requests its
 * data from the API, with the reader's token.
 */
#ifndef HTTP_INBOX_H
#define HTTP_INBOX_H

#include <h2o.h>

/* Serves the files of a directory under /inbox/. If a file does not exist, on_missing responds. */
void inbox_register(h2o_hostconf_t *host, const char *directory, int (*on_missing)(h2o_handler_t *, h2o_req_t *));

#endif
