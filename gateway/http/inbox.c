/*
 * inbox: h2o's file handler serves the files (types, ETag, ranges, no listing). This adds the headers that a page needs
 * if it shows what strangers wrote. The gateway does it and not the proxy, so that `make run` provides the page.
 */
#include "http/inbox.h"

static const struct
{
	h2o_iovec_t name, value;
} headers[] = {
	{ { H2O_STRLIT("content-security-policy") },
	  { H2O_STRLIT(
		  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
		  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'") } },
	{ { H2O_STRLIT("x-content-type-options") }, { H2O_STRLIT("nosniff") } },
	{ { H2O_STRLIT("referrer-policy") }, { H2O_STRLIT("no-referrer") } },
	{ { H2O_STRLIT("cross-origin-opener-policy") }, { H2O_STRLIT("same-origin") } },
	/* Browsers ask for it each time, and get 304 according to its ETag, so a new version is seen at once. */
	{ { H2O_STRLIT("cache-control") }, { H2O_STRLIT("no-cache") } },
};

static int
inbox_on_request(h2o_handler_t *handler, h2o_req_t *request)
{
	(void) handler;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		h2o_add_header_by_str(&request->pool, &request->res.headers, headers[i].name.base, headers[i].name.len, 1, NULL,
							  headers[i].value.base, headers[i].value.len);
	return -1;
}

void
inbox_register(h2o_hostconf_t *host, const char *directory, int (*on_missing)(h2o_handler_t *, h2o_req_t *))
{
	static const char *index_files[] = { "index.html", NULL };
	h2o_pathconf_t *path = h2o_config_register_path(host, "/inbox", 0);

	h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = inbox_on_request;
	h2o_file_register(path, directory, index_files, NULL, 0);
	h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = on_missing;
}
