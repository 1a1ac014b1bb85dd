/*
 * tls: the server's certificate and key.
 */
#include "http/tls.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

/* HTTP/2 is not offered: a client that knows nothing else is told so in the handshake. */
static int
on_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length, const unsigned char *offered,
		unsigned offered_length, void *data)
{
	static const unsigned char ours[] = "\x08http/1.1";

	(void) ssl, (void) data;
	return SSL_select_next_proto((unsigned char **) chosen, chosen_length, ours, sizeof(ours) - 1, offered,
								 offered_length) == OPENSSL_NPN_NEGOTIATED
			   ? SSL_TLSEXT_ERR_OK
			   : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Who gets hold of the key later cannot read what was said before. */
static const char forward_secret[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

SSL_CTX *
tls_context_read(const char *cert_file, const char *key_file, char *error, size_t error_size)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	ERR_clear_error();
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(context, forward_secret); /* of TLS 1.2; those of 1.3 all are */
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	/* An idle stream keeps no buffers. */
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_alpn_select_cb(context, on_alpn, NULL);
	if (SSL_CTX_use_certificate_chain_file(context, cert_file) == 1 &&
		SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) == 1 &&
		SSL_CTX_check_private_key(context) == 1)
		return context;
	snprintf(error, error_size, "the certificate %s with the key %s: %s", cert_file, key_file,
			 ERR_reason_error_string(ERR_get_error()));
	SSL_CTX_free(context);
	return NULL;
}
