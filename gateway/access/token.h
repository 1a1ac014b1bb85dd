/*
 * token: JSON Web Tokens. Keys are read once, immutable, and shared by all threads (retain, release). Each thread has
 * its own cache of tokens that it has verified.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

typedef struct Caller
{
	bool is_authenticated;
	bool is_operator;
	int64_t user_id;    /* 0 if none */
	int64_t expires_at; /* in seconds since the epoch; 0 for never */
	char phone[32];     /* verified according to the token; empty if there is none */
} Caller;

typedef struct TokenKeys TokenKeys;

/*
 * Reads the key files of the configuration: ALGORITHM:PATH, or KID=ALGORITHM:PATH, comma separated. RS256 and ES256
 * take a public key in PEM. HS256 takes a secret of at least 32 bytes, without a trailing newline, that does not look
 * like another kind of key. Tokens must have the configured issuer and audience, unless these are "". They may contain
 * a phone in the configured claim, unless that is "", and then need not contain a user. The texts must outlive the
 * keys. Returns NULL on failure, with a sentence in `error`.
 */
TokenKeys *token_keys_read(const Config *config, char *error, size_t error_size);

TokenKeys *token_keys_retain(TokenKeys *keys);
void token_keys_release(TokenKeys *keys);

typedef struct TokenCache TokenCache;

TokenCache *token_cache_create(void);
void token_cache_dispose(TokenCache *cache);

typedef enum TokenVerdict
{
	TOKEN_BAD,
	TOKEN_GOOD,
	TOKEN_NOT_EXAMINED /* invalid tokens have used up their share of this second, and this one is not in the cache */
} TokenVerdict;

/* Verifies a token at the given time (in seconds since the epoch), and sets *caller if it is valid. */
TokenVerdict token_verify(TokenCache *cache, const TokenKeys *keys, const char *token, size_t length, int64_t now,
						  Caller *caller);

#endif
