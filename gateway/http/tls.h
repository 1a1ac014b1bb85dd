/*
 * tls: the server's certificate and key.
 */
#ifndef TLS_H
#define TLS_H

#include <stddef.h>

#include <openssl/ssl.h>

/* A context that offers TLS 1.2 and 1.3 and HTTP/1.1 alone, or NULL with a sentence on why in error. SSL_CTX_free it.
 */
SSL_CTX *tls_context_read(const char *cert_file, const char *key_file, char *error, size_t error_size);

#endif
