/*
 * token: JSON Web Tokens. Keys are read once, are immutable and shared by all threads (retain, release); each thread
 * has a cache of its own of the tokens it has verified.
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
	int64_t user_id;    /* 0: none */
	int64_t expires_at; /* seconds of the epoch; 0: never */
	char phone[32];     /* what the token says is their phone; empty: nothing */
} Caller;

typedef struct TokenKeys TokenKeys;

/*
 * Reads the key files of the configuration: ALGORITHM:PATH, or KID=ALGORITHM:PATH, comma separated. RS256 and ES256
 * take a public key in PEM, HS256 a secret of at least 32 bytes, less a line end, that looks like no other kind of key.
 * Tokens must have the issuer and the audience unless they are "", and tell a phone by the claim, unless that is "";
 * one that tells a phone need not tell a user. The texts live as long as the keys. NULL if that fails, with a sentence
 * on why in error.
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
	TOKEN_NOT_EXAMINED /* bad ones have taken their share of this second already, and this one is not known */
} TokenVerdict;

/* Whether the token is good at this time (seconds of the epoch), and then *caller. */
TokenVerdict token_verify(TokenCache *cache, const TokenKeys *keys, const char *token, size_t length, int64_t now,
						  Caller *caller);

#endif
