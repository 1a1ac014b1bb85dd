/*
 * token: JSON Web Tokens, verified by libjwt.
 *
 * The key decides the algorithm, not the token: a token is handed to libjwt only if its header names the one algorithm
 * that its key is for. So alg none is refused, and a public key is never taken for a secret.
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
	WASTED_US_MAX = 100000 /* of a second, by tokens that turn out to be bad */
};

typedef struct Key
{
	char id[64]; /* "": for tokens that name no other */
	jwt_alg_t algorithm;
	char *bytes;
	size_t length;
} Key;

struct TokenKeys
{
	atomic_uint holders;
	uint64_t generation; /* unique in the process: what another one verified does not count */
	const char *issuer;  /* "": any */
	const char *audience;
	const char *phone_claim; /* "": none */
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
	CacheEntry *examined; /* the token that is being verified: a bad one takes no good one's place */
	int64_t second;       /* in which */
	uint64_t wasted_us;   /* bad tokens took so much time */
};

/* ----- keys ----- */

static char *
read_file(const char *path, size_t *length)
{
	FILE *file = fopen(path, "re");
	char *bytes = malloc(KEY_BYTES_MAX + 1);

	if (file == NULL || bytes == NULL)
	{
		free(bytes);
		if (file != NULL)
			fclose(file);
		return NULL;
	}
	*length = fread(bytes, 1, KEY_BYTES_MAX, file);
	bytes[*length] = '\0';
	fclose(file);
	return bytes;
}

/* The algorithm that a public key in PEM is for, or JWT_ALG_INVAL. */
static jwt_alg_t
public_key_algorithm(const char *pem, size_t length)
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

/* A public key is known to everyone: whoever takes one for a secret lets anyone sign. As PEM wherever it begins, PEM's
 * inside, DER, a line of OpenSSH's, a JWK. */
static bool
looks_like_another_kind(const Key *key)
{
	static const char *const beginnings[] = { "MII", "MFkw", "\x30\x82", "\x30\x59", "ssh-", "ecdsa-", "{" };
	const char *start = key->bytes + strspn(key->bytes, " \t\r\n");

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (strncmp(start, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return memmem(key->bytes, key->length, "---- BEGIN", 10) != NULL ||
		   memmem(key->bytes, key->length, "-----BEGIN", 10) != NULL;
}

/* Whoever reads a secret can sign with it, and whoever writes a key's file too. */
static void
warn_of_exposure(const Key *key, const char *path)
{
	mode_t exposed = S_IWGRP | S_IWOTH | (key->algorithm == JWT_ALG_HS256 ? S_IROTH : 0);
	char quoted[600];
	struct stat file;

	if (stat(path, &file) == 0 && (file.st_mode & exposed) != 0)
		log_warning("event=key_exposed path=%s mode=%04o", log_quote(path, quoted, sizeof(quoted)),
					file.st_mode & 07777);
}

/* Returns what is wrong with the file, or NULL. */
static const char *
read_key(Key *key, const char *path)
{
	key->bytes = read_file(path, &key->length);
	if (key->bytes == NULL)
		return strerror(errno);
	warn_of_exposure(key, path);
	if (key->algorithm != JWT_ALG_HS256)
		return public_key_algorithm(key->bytes, key->length) == key->algorithm
				   ? NULL
				   : "not a public key of that algorithm (RS256: RSA of 2,048 bits or more, ES256: P-256)";
	if (looks_like_another_kind(key))
		return "not a secret: it looks like a key of another kind";
	while (key->length > 0 && (key->bytes[key->length - 1] == '\n' || key->bytes[key->length - 1] == '\r'))
		key->length--;
	return key->length < SECRET_BYTES_MIN ? "a secret has at least 32 bytes" : NULL;
}

/* The algorithm that "ALGORITHM:PATH" begins with, and where the path does. */
static jwt_alg_t
split_algorithm(const char *text, const char **path)
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

/* ALGORITHM:PATH or KID=ALGORITHM:PATH */
static const char *
add_key(TokenKeys *keys, const char *entry)
{
	const char *equals = strchr(entry, '=');
	Key *key = &keys->keys[keys->count];
	const char *path;

	if (keys->count == KEYS_MAX)
		return "there are too many keys";
	key->algorithm = split_algorithm(entry, &path);
	if (key->algorithm == JWT_ALG_INVAL && equals != NULL)
	{
		if ((size_t) (equals - entry) >= sizeof(key->id))
			return "its id is too long";
		snprintf(key->id, sizeof(key->id), "%.*s", (int) (equals - entry), entry);
		key->algorithm = split_algorithm(equals + 1, &path);
	}
	if (key->algorithm == JWT_ALG_INVAL)
		return "its algorithm is not named, as in HS256:PATH, RS256:PATH or ES256:PATH";
	keys->count++;
	return read_key(key, path);
}

TokenKeys *
token_keys_read(const char *files, const char *issuer, const char *audience, char *error, size_t error_size)
{
	static atomic_ullong last_generation;
	TokenKeys *keys = calloc(1, sizeof(*keys));
	char *list = strdup(files);
	const char *wrong = NULL;
	char *rest = NULL;

	atomic_init(&keys->holders, 1);
	keys->generation = atomic_fetch_add(&last_generation, 1) + 1;
	keys->issuer = issuer;
	keys->audience = audience;
	keys->phone_claim = "";
	for (char *entry = strtok_r(list, ",", &rest); entry != NULL && wrong == NULL; entry = strtok_r(NULL, ",", &rest))
	{
		wrong = add_key(keys, entry);
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

void
token_keys_set_phone_claim(TokenKeys *keys, const char *claim)
{
	keys->phone_claim = claim;
}

bool
token_keys_have_phone_claim(const TokenKeys *keys)
{
	return keys != NULL && keys->phone_claim[0] != '\0';
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

static CacheEntry **
cache_place(TokenCache *cache, const char *token, size_t length)
{
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char) token[i]) * 1099511628211u;
	return &cache->entries[(hash ^ hash >> 32) % CACHE_SIZE];
}

/* ----- verification ----- */

static const Key *
find_key(const TokenKeys *keys, const char *id)
{
	const Key *unnamed = NULL;

	for (size_t i = 0; i < keys->count; i++)
	{
		if (keys->keys[i].id[0] == '\0')
			unnamed = &keys->keys[i];
		else if (id != NULL && strcmp(keys->keys[i].id, id) == 0)
			return &keys->keys[i];
	}
	return unnamed;
}

/* The key for the token, if the token's header names that key's algorithm. */
static const Key *
choose_key(const TokenKeys *keys, const char *token)
{
	const Key *key;
	jwt_t *jwt = NULL;
	const char *algorithm;
	char *crit;

	if (jwt_decode(&jwt, token, NULL, 0) != 0)
		return NULL;
	key = find_key(keys, jwt_get_header(jwt, "kid"));
	algorithm = jwt_get_header(jwt, "alg");
	crit = jwt_get_headers_json(jwt, "crit");
	if (key == NULL || crit != NULL || algorithm == NULL || strcmp(algorithm, jwt_alg_str(key->algorithm)) != 0)
		key = NULL;
	free(crit);
	jwt_free(jwt);
	return key;
}

/* A time in whole or broken seconds; absent: the fallback; anything else: false. */
static bool
read_time(const json_t *claims, const char *name, int64_t fallback, int64_t *time)
{
	const json_t *value = json_object_get(claims, name);

	*time = value == NULL ? fallback : (int64_t) json_number_value(value);
	return value == NULL || (json_is_number(value) && json_number_value(value) >= 0 && json_number_value(value) < 1e12);
}

/* sub: a user's id as a string, in the one way to write it. Someone who is no user may be the operator still. */
static int64_t
read_subject(const json_t *claims)
{
	const char *text = json_string_value(json_object_get(claims, "sub"));

	if (text == NULL || text[0] < '1' || text[0] > '9' || strlen(text) > 18 || text[strspn(text, "0123456789")] != '\0')
		return 0;
	return atoll(text);
}

/* Whether a claim is the wanted text, or an array with it; "" wants nothing. */
static bool
claim_says(const json_t *claims, const char *name, const char *wanted)
{
	const json_t *value = json_object_get(claims, name);
	const char *text = json_string_value(value);
	bool says = wanted[0] == '\0' || (text != NULL && strcmp(text, wanted) == 0);
	size_t index;
	const json_t *element;

	json_array_foreach(value, index, element) says =
		says || (json_is_string(element) && strcmp(json_string_value(element), wanted) == 0);
	return says;
}

/* What the claim of the phone says, empty where that is none. */
static void
read_phone(const TokenKeys *keys, const json_t *claims, Caller *caller)
{
	const char *phone = json_string_value(json_object_get(claims, keys->phone_claim));

	if (keys->phone_claim[0] != '\0' && phone != NULL && strlen(phone) < sizeof(caller->phone))
		snprintf(caller->phone, sizeof(caller->phone), "%s", phone);
}

/* What the claims say; the token must end, and be of somebody: the operator, a user, or who has a phone to register. */
static bool
read_claims(const TokenKeys *keys, const char *text, CacheEntry *entry)
{
	json_t *claims = text == NULL ? NULL : json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const char *role = json_string_value(json_object_get(claims, "role"));
	bool fine = json_is_object(claims) && read_time(claims, "exp", -1, &entry->expires_at) && entry->expires_at >= 0 &&
				read_time(claims, "nbf", 0, &entry->not_before) && claim_says(claims, "iss", keys->issuer) &&
				claim_says(claims, "aud", keys->audience);

	entry->caller = (Caller){ .is_authenticated = true,
							  .is_operator = role != NULL && strcmp(role, "operator") == 0,
							  .user_id = read_subject(claims),
							  .expires_at = entry->expires_at };
	read_phone(keys, claims, &entry->caller);
	json_decref(claims);
	return fine && (entry->caller.is_operator || entry->caller.user_id > 0 || entry->caller.phone[0] != '\0');
}

/* Signature and claims, but not the time. */
static bool
read_token(const TokenKeys *keys, CacheEntry *entry)
{
	const Key *key = choose_key(keys, entry->token);
	jwt_t *jwt = NULL;
	char *claims = NULL;
	bool fine = false;

	if (key != NULL && jwt_decode(&jwt, entry->token, (unsigned char *) key->bytes, (int) key->length) == 0 &&
		jwt_get_alg(jwt) == key->algorithm)
	{
		claims = jwt_get_grants_json(jwt, NULL);
		fine = read_claims(keys, claims, entry);
	}
	free(claims);
	if (jwt != NULL)
		jwt_free(jwt);
	return fine;
}

static uint64_t
clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

/* Verifies a token that the cache does not have. Whoever sends one bad token after another gets no more than a tenth of
 * the thread's time by that. */
static TokenVerdict
examine(TokenCache *cache, const TokenKeys *keys, const char *token, size_t length, int64_t now)
{
	uint64_t start_us = clock_us();
	CacheEntry *entry = cache->examined;

	if (cache->second != now)
		cache->wasted_us = 0;
	cache->second = now;
	if (cache->wasted_us > WASTED_US_MAX)
		return TOKEN_NOT_EXAMINED;
	entry->length = length;
	memcpy(entry->token, token, length);
	entry->token[length] = '\0';
	if (!read_token(keys, entry))
	{
		cache->wasted_us += clock_us() - start_us;
		return TOKEN_BAD;
	}
	entry->generation = keys->generation;
	return TOKEN_GOOD;
}

TokenVerdict
token_verify(TokenCache *cache, const TokenKeys *keys, const char *token, size_t length, int64_t now, Caller *caller)
{
	CacheEntry **place = cache_place(cache, token, length);
	CacheEntry *entry = *place;

	if (length == 0 || length >= TOKEN_BYTES_MAX || memchr(token, '\0', length) != NULL)
		return TOKEN_BAD;
	if (entry == NULL || entry->generation != keys->generation || entry->length != length ||
		memcmp(entry->token, token, length) != 0)
	{
		TokenVerdict verdict = examine(cache, keys, token, length, now);

		if (verdict != TOKEN_GOOD)
			return verdict;
		*place = cache->examined;
		cache->examined = entry == NULL ? calloc(1, sizeof(*entry)) : entry;
		entry = *place;
	}
	*caller = entry->caller;
	return now <= entry->expires_at + CLOCK_SKEW_S && now >= entry->not_before - CLOCK_SKEW_S ? TOKEN_GOOD : TOKEN_BAD;
}
