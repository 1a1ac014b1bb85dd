/*
 * token: JSON Web Tokens, verified by libjwt.
 *
 * The key determines the algorithm, not the token: a token is passed to libjwt only if its header names the one
 * algorithm that its key is for. So alg none is refused, and a public key is never mistaken for a secret.
 */
#include "access/token.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <h2o.h>
#include <jansson.h>
#include <jwt.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/log.h"

enum
{
	KEYS_MAX = 16,
	KEY_BYTES_MAX = 16384,
	SECRET_BYTES_MIN = 32,
	TOKEN_BYTES_MAX = 4096,
	CLOCK_SKEW_S = 30,
	CACHE_SIZE = 512,
	WASTED_US_MAX = 100000 /* per second, spent on tokens that turn out to be invalid */
};

typedef struct Key
{
	char id[64]; /* "" for tokens that name no other key */
	jwt_alg_t algorithm;
	char *bytes;
	size_t length;
} Key;

struct TokenKeys
{
	atomic_uint holders;
	uint64_t generation; /* unique in the process; what other keys verified does not count */
	const char *issuer;  /* "" for any */
	const char *audience;
	const char *phone_claim; /* "" if there is none */
	size_t count;
	Key keys[KEYS_MAX];
};

typedef struct CacheEntry
{
	uint64_t generation;
	size_t length;
	int64_t not_before;
	int64_t expires_at;
	Caller caller;
	char token[TOKEN_BYTES_MAX];
} CacheEntry;

struct TokenCache
{
	CacheEntry *entries[CACHE_SIZE];
	CacheEntry *examined; /* the token being verified; an invalid one must not replace a valid one */
	int64_t second;       /* the second for which wasted_us counts */
	uint64_t wasted_us;   /* the processor time spent on invalid tokens */
};

/* ----- keys ----- */

/* Returns the algorithm that a public key in PEM is for, or JWT_ALG_INVAL. */
static jwt_alg_t
key_public_algorithm(const char *pem, size_t length)
{
	BIO *bio = BIO_new_mem_buf(pem, (int) length);
	EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	jwt_alg_t algorithm = JWT_ALG_INVAL;

	if (key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= 2048)
		algorithm = JWT_ALG_RS256;
	else if (key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_bits(key) == 256)
		algorithm = JWT_ALG_ES256;
	EVP_PKEY_free(key);
	BIO_free(bio);
	return algorithm;
}

/* Everyone knows a public key, so if it were used as a secret, anyone could sign. Detects PEM at any position, the
 * content of PEM, DER, a line in OpenSSH's format, and a JWK. */
static bool
key_looks_like_another_kind(const Key *key)
{
	static const char *const beginnings[] = { "MII", "MFkw", "\x30\x82", "\x30\x59", "ssh-", "ecdsa-", "{" };
	const char *start = key->bytes + strspn(key->bytes, " \t\r\n");

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (strncmp(start, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return memmem(key->bytes, key->length, "---- BEGIN", 10) != NULL ||
		   memmem(key->bytes, key->length, "-----BEGIN", 10) != NULL;
}

/* Reads a key from its file. Returns what is wrong with it, or NULL. */
static const char *
key_read(Key *key, const char *path)
{
	mode_t exposed = S_IWGRP | S_IWOTH | (key->algorithm == JWT_ALG_HS256 ? S_IROTH : 0);
	FILE *file = fopen(path, "re");
	char quoted[600];
	struct stat status;

	if (file == NULL)
		return strerror(errno);
	key->bytes = h2o_mem_alloc(KEY_BYTES_MAX + 1);
	key->length = fread(key->bytes, 1, KEY_BYTES_MAX, file);
	key->bytes[key->length] = '\0';
	/* Anyone who can read a secret, or write a key's file, can sign. */
	if (fstat(fileno(file), &status) == 0 && (status.st_mode & exposed) != 0)
		log_warning("event=key_exposed path=%s mode=%04o", log_quote(path, quoted, sizeof(quoted)),
					status.st_mode & 07777);
	fclose(file);
	if (key->algorithm != JWT_ALG_HS256)
		return key_public_algorithm(key->bytes, key->length) == key->algorithm
				   ? NULL
				   : "not a public key of that algorithm (RS256: RSA of 2,048 bits or more, ES256: P-256)";
	if (key_looks_like_another_kind(key))
		return "not a secret: it looks like a key of another kind";
	while (key->length > 0 && (key->bytes[key->length - 1] == '\n' || key->bytes[key->length - 1] == '\r'))
		key->length--;
	return key->length < SECRET_BYTES_MIN ? "a secret has at least 32 bytes" : NULL;
}

/* Returns the algorithm at the start of "ALGORITHM:PATH", and sets *path to the path. */
static jwt_alg_t
key_split_algorithm(const char *text, const char **path)
{
	static const jwt_alg_t algorithms[] = { JWT_ALG_HS256, JWT_ALG_RS256, JWT_ALG_ES256 };

	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
	{
		const char *name = jwt_alg_str(algorithms[i]);

		*path = text + strlen(name) + 1;
		if (strncmp(text, name, strlen(name)) == 0 && text[strlen(name)] == ':')
			return algorithms[i];
	}
	return JWT_ALG_INVAL;
}

/* Parses ALGORITHM:PATH or KID=ALGORITHM:PATH. */
static const char *
keys_add(TokenKeys *keys, const char *entry)
{
	const char *equals = strchr(entry, '=');
	Key *key = &keys->keys[keys->count];
	const char *path;

	if (keys->count == KEYS_MAX)
		return "too many keys";
	key->algorithm = key_split_algorithm(entry, &path);
	if (key->algorithm == JWT_ALG_INVAL && equals != NULL)
	{
		if ((size_t) (equals - entry) >= sizeof(key->id))
			return "its id is too long";
		snprintf(key->id, sizeof(key->id), "%.*s", (int) (equals - entry), entry);
		key->algorithm = key_split_algorithm(equals + 1, &path);
	}
	if (key->algorithm == JWT_ALG_INVAL)
		return "its algorithm is missing; expected HS256:PATH, RS256:PATH or ES256:PATH";
	keys->count++;
	return key_read(key, path);
}

TokenKeys *
token_keys_read(const Config *config, char *error, size_t error_size)
{
	static atomic_ullong last_generation;
	TokenKeys *keys = h2o_mem_alloc(sizeof(*keys));
	char *list = strdup(config->jwt_key_file);
	const char *wrong = NULL;
	char *rest = NULL;

	*keys = (TokenKeys){ .holders = 1,
						 .generation = atomic_fetch_add(&last_generation, 1) + 1,
						 .issuer = config->jwt_issuer,
						 .audience = config->jwt_audience,
						 .phone_claim = config->verified_phone_claim };
	for (char *entry = strtok_r(list, ",", &rest); entry != NULL && wrong == NULL; entry = strtok_r(NULL, ",", &rest))
	{
		wrong = keys_add(keys, entry);
		if (wrong != NULL)
			snprintf(error, error_size, "the key %s: %s", entry, wrong);
	}
	if (wrong == NULL && keys->count == 0)
		snprintf(error, error_size, "%s", wrong = "no key is named");
	free(list);
	if (wrong == NULL)
		return keys;
	token_keys_release(keys);
	return NULL;
}

TokenKeys *
token_keys_retain(TokenKeys *keys)
{
	if (keys != NULL)
		atomic_fetch_add_explicit(&keys->holders, 1, memory_order_relaxed);
	return keys;
}

void
token_keys_release(TokenKeys *keys)
{
	if (keys == NULL || atomic_fetch_sub_explicit(&keys->holders, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < keys->count; i++)
		free(keys->keys[i].bytes);
	free(keys);
}

/* ----- cache ----- */

TokenCache *
token_cache_create(void)
{
	TokenCache *cache = calloc(1, sizeof(*cache));

	cache->examined = calloc(1, sizeof(*cache->examined));
	return cache;
}

void
token_cache_dispose(TokenCache *cache)
{
	for (size_t i = 0; i < CACHE_SIZE; i++)
		free(cache->entries[i]);
	free(cache->examined);
	free(cache);
}

/* ----- verification ----- */

/* Returns the key for the token, if the token's header names that key's algorithm. */
static const Key *
key_choose(const TokenKeys *keys, const char *token)
{
	const Key *chosen = NULL;
	jwt_t *jwt = NULL;
	const char *id;
	const char *algorithm;
	char *crit;

	if (jwt_decode(&jwt, token, NULL, 0) != 0)
		return NULL;
	id = jwt_get_header(jwt, "kid");
	for (size_t i = 0; i < keys->count; i++)
	{
		const Key *key = &keys->keys[i];

		if (id != NULL && key->id[0] != '\0' && strcmp(key->id, id) == 0)
		{
			chosen = key;
			break;
		}
		if (key->id[0] == '\0')
			chosen = key;
	}
	algorithm = jwt_get_header(jwt, "alg");
	crit = jwt_get_headers_json(jwt, "crit");
	if (chosen == NULL || crit != NULL || algorithm == NULL || strcmp(algorithm, jwt_alg_str(chosen->algorithm)) != 0)
		chosen = NULL;
	free(crit);
	jwt_free(jwt);
	return chosen;
}

/* Reads a time in whole or fractional seconds. If it is absent, returns the fallback. Returns false if it is anything
 * else. */
static bool
claim_read_time(const json_t *claims, const char *name, int64_t fallback, int64_t *time)
{
	const json_t *value = json_object_get(claims, name);

	*time = value == NULL ? fallback : (int64_t) json_number_value(value);
	return value == NULL || (json_is_number(value) && json_number_value(value) >= 0 && json_number_value(value) < 1e12);
}

/* Returns whether a claim is the wanted text, or an array that contains it. Always true if "" is wanted. */
static bool
claim_says(const json_t *claims, const char *name, const char *wanted)
{
	const json_t *value = json_object_get(claims, name);
	const char *text = json_string_value(value);
	bool says = wanted[0] == '\0' || (text != NULL && strcmp(text, wanted) == 0);
	size_t index;
	const json_t *element;

	json_array_foreach(value, index, element)
	{
		text = json_string_value(element);
		says = says || (text != NULL && strcmp(text, wanted) == 0);
	}
	return says;
}

/* Reads the claims. The token must expire, and belong to someone: the operator, a user, or someone with a phone to
 * register. */
static bool
claims_read(const TokenKeys *keys, const json_t *claims, CacheEntry *entry)
{
	const char *role = json_string_value(json_object_get(claims, "role"));
	const char *subject = json_string_value(json_object_get(claims, "sub"));
	const char *phone = json_string_value(json_object_get(claims, keys->phone_claim));
	Caller *caller = &entry->caller;
	bool fine = json_is_object(claims) && claim_read_time(claims, "exp", -1, &entry->expires_at) &&
				entry->expires_at >= 0 && claim_read_time(claims, "nbf", 0, &entry->not_before) &&
				claim_says(claims, "iss", keys->issuer) && claim_says(claims, "aud", keys->audience);

	*caller = (Caller){ .is_authenticated = true,
						.is_operator = role != NULL && strcmp(role, "operator") == 0,
						.expires_at = entry->expires_at };
	/* Accept a user's id only in its canonical form. Someone who is not a user may still be the operator. */
	if (subject != NULL && subject[0] >= '1' && subject[0] <= '9' && strlen(subject) <= 18 &&
		subject[strspn(subject, "0123456789")] == '\0')
		caller->user_id = atoll(subject);
	if (keys->phone_claim[0] != '\0' && phone != NULL && strlen(phone) < sizeof(caller->phone))
		snprintf(caller->phone, sizeof(caller->phone), "%s", phone);
	return fine && (caller->is_operator || caller->user_id > 0 || caller->phone[0] != '\0');
}

/* Checks signature and claims, but not the time. */
static bool
token_read(const TokenKeys *keys, CacheEntry *entry)
{
	const Key *key = key_choose(keys, entry->token);
	jwt_t *jwt = NULL;
	char *text = NULL;
	json_t *claims;
	bool fine;

	if (key != NULL && jwt_decode(&jwt, entry->token, (unsigned char *) key->bytes, (int) key->length) == 0 &&
		jwt_get_alg(jwt) == key->algorithm)
		text = jwt_get_grants_json(jwt, NULL);
	claims = text == NULL ? NULL : json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	fine = claims_read(keys, claims, entry);
	json_decref(claims);
	free(text);
	if (jwt != NULL)
		jwt_free(jwt);
	return fine;
}

/* A thread that waits for its turn on a busy machine wastes nothing. */
static uint64_t
processor_time_us(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t) used.tv_sec * 1000000 + (uint64_t) used.tv_nsec / 1000;
}

/* Verifies a token that is not in the cache. Whoever sends one invalid token after another gets no more than a tenth of
 * the thread's time this way. */
static TokenVerdict
token_examine(TokenCache *cache, const TokenKeys *keys, const char *token, size_t length, int64_t now)
{
	uint64_t start_us = processor_time_us();
	CacheEntry *entry = cache->examined;

	if (cache->second != now)
		cache->wasted_us = 0;
	cache->second = now;
	if (cache->wasted_us > WASTED_US_MAX)
		return TOKEN_NOT_EXAMINED;
	entry->length = length;
	memcpy(entry->token, token, length);
	entry->token[length] = '\0';
	if (!token_read(keys, entry))
	{
		cache->wasted_us += processor_time_us() - start_us;
		return TOKEN_BAD;
	}
	entry->generation = keys->generation;
	return TOKEN_GOOD;
}

TokenVerdict
token_verify(TokenCache *cache, const TokenKeys *keys, const char *token, size_t length, int64_t now, Caller *caller)
{
	uint64_t hash = 14695981039346656037u;
	CacheEntry **place;
	CacheEntry *entry;

	if (length == 0 || length >= TOKEN_BYTES_MAX || memchr(token, '\0', length) != NULL)
		return TOKEN_BAD;
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char) token[i]) * 1099511628211u;
	place = &cache->entries[(hash ^ hash >> 32) % CACHE_SIZE];
	entry = *place;
	if (entry == NULL || entry->generation != keys->generation || entry->length != length ||
		memcmp(entry->token, token, length) != 0)
	{
		TokenVerdict verdict = token_examine(cache, keys, token, length, now);

		if (verdict != TOKEN_GOOD)
			return verdict;
		*place = cache->examined;
		cache->examined = entry == NULL ? calloc(1, sizeof(*entry)) : entry;
		entry = *place;
	}
	*caller = entry->caller;
	return now <= entry->expires_at + CLOCK_SKEW_S && now >= entry->not_before - CLOCK_SKEW_S ? TOKEN_GOOD : TOKEN_BAD;
}
