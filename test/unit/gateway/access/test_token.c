/* token: which tokens are valid. The tokens are made by libjwt. */
#include "access/token.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <jwt.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "gateway_unit.h"

static const char secret[] = "0123456789abcdef0123456789abcdef";
static const char other_secret[] = "fedcba9876543210fedcba9876543210";
static char directory[] = "/tmp/parley-token-XXXXXX";
static char error[256];
static TokenCache *cache;
static Caller caller;

enum
{
	NOW = 1700000000
};

/* Each test has its own process, and its own directory. */
static void
remove_directory(void)
{
	DIR *listing = opendir(directory);

	for (struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;)
		unlinkat(dirfd(listing), entry->d_name, 0);
	if (listing != NULL)
		closedir(listing);
	rmdir(directory);
}

static void
make_directory(void)
{
	if (mkdtemp(directory) == NULL || atexit(remove_directory) != 0)
		abort();
}

static const char *
write_key(const char *name, const char *bytes)
{
	static char path[4][64];
	static int next;
	char *place = path[next++ % 4];
	FILE *file;

	if (strstr(directory, "XXXXXX") != NULL)
		make_directory();
	snprintf(place, sizeof(path[0]), "%s/%s", directory, name);
	file = fopen(place, "w");
	fputs(bytes, file);
	fclose(file);
	return place;
}

/* Returns the private and the public half of a new key in PEM. */
static void
make_pair(const char *type, char *private_pem, char *public_pem)
{
	EVP_PKEY *key = strcmp(type, "RSA") == 0 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	private_pem[BIO_read(bio, private_pem, 4095)] = '\0';
	BIO_free(bio);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PUBKEY(bio, key);
	public_pem[BIO_read(bio, public_pem, 4095)] = '\0';
	BIO_free(bio);
	EVP_PKEY_free(key);
}

/* Returns a token with these claims. kid may be NULL. */
static char *
sign(jwt_alg_t algorithm, const char *key, const char *kid, const char *claims)
{
	jwt_t *jwt;
	char *token;

	cache = cache == NULL ? token_cache_create() : cache;
	jwt_new(&jwt);
	jwt_add_grants_json(jwt, claims);
	if (kid != NULL)
		jwt_add_header(jwt, "kid", kid);
	ck_assert_int_eq(jwt_set_alg(jwt, algorithm, (const unsigned char *) key, key == NULL ? 0 : (int) strlen(key)), 0);
	token = jwt_encode_str(jwt);
	jwt_free(jwt);
	ck_assert_ptr_nonnull(token);
	return token;
}

static bool
verify(const TokenKeys *keys, char *token)
{
	bool good = token_verify(cache, keys, token, strlen(token), NOW, &caller);

	ck_assert_int_eq(token_verify(cache, keys, token, strlen(token), NOW, &caller), good); /* from the cache */
	free(token);
	return good;
}

static const char *phone_claim = "";

static TokenKeys *
read_keys(const char *files, const char *issuer, const char *audience)
{
	Config config = {
		.jwt_key_file = files, .jwt_issuer = issuer, .jwt_audience = audience, .verified_phone_claim = phone_claim
	};

	return token_keys_read(&config, error, sizeof(error));
}

/* Returns the keys of a secret's file, or of a list that names algorithms. */
static TokenKeys *
keys_of(const char *files)
{
	char named[200];
	TokenKeys *keys;

	snprintf(named, sizeof(named), "%s%s", strchr(files, ':') == NULL ? "HS256:" : "", files);
	keys = read_keys(named, "", "");
	ck_assert_msg(keys != NULL, "%s", error);
	return keys;
}

#define CLAIMS "{\"sub\":\"7\",\"exp\":1700000100}"

START_TEST(a_phone_is_told_by_the_claim_that_is_set)
{
	TokenKeys *keys = keys_of(write_key("secret", secret));

	ck_assert(!verify(keys, sign(JWT_ALG_HS256, secret, NULL, "{\"phone\":\"+1 555 010 0777\",\"exp\":1700000100}")));
	token_keys_release(keys);

	phone_claim = "phone";
	keys = keys_of(write_key("secret", secret));
	phone_claim = "";
	ck_assert(verify(keys, sign(JWT_ALG_HS256, secret, NULL, "{\"phone\":\"+1 555 010 0777\",\"exp\":1700000100}")));
	ck_assert_str_eq(caller.phone, "+1 555 010 0777");
	ck_assert(caller.is_authenticated && !caller.is_operator && caller.user_id == 0);
	ck_assert(verify(keys, sign(JWT_ALG_HS256, secret, NULL, CLAIMS)));
	ck_assert_str_eq(caller.phone, "");
	ck_assert(!verify(keys, sign(JWT_ALG_HS256, secret, NULL, "{\"phone\":15550100777,\"exp\":1700000100}")));
	ck_assert(!verify(keys, sign(JWT_ALG_HS256, secret, NULL,
								 "{\"phone\":\"+1 555 010 0777 and more than a phone has\",\"exp\":1700000100}")));
	token_keys_release(keys);
}
END_TEST

START_TEST(a_secret_verifies_its_tokens)
{
	TokenKeys *keys = keys_of(write_key("secret", "0123456789abcdef0123456789abcdef\n"));

	ck_assert(verify(keys, sign(JWT_ALG_HS256, secret, NULL, CLAIMS)));
	ck_assert(caller.is_authenticated && !caller.is_operator);
	ck_assert_int_eq(caller.user_id, 7);
	ck_assert(
		verify(keys, sign(JWT_ALG_HS256, secret, "whatever", "{\"sub\":\"8\",\"exp\":1700000100,\"role\":\"user\"}")));
	ck_assert_int_eq(caller.user_id, 8);
	ck_assert(
		verify(keys, sign(JWT_ALG_HS256, secret, NULL, "{\"sub\":\"ops\",\"role\":\"operator\",\"exp\":1700000100}")));
	ck_assert(caller.is_operator);
	ck_assert(!verify(keys, sign(JWT_ALG_HS256, other_secret, NULL, CLAIMS)));
	ck_assert(!verify(keys, sign(JWT_ALG_HS384, secret, NULL, CLAIMS)));
	ck_assert(!verify(keys, sign(JWT_ALG_NONE, NULL, NULL, CLAIMS)));
	token_keys_release(keys);
}
END_TEST

START_TEST(public_keys_verify_and_are_no_secrets)
{
	char private_pem[4096];
	char public_pem[4096];
	char files[96];
	const struct
	{
		const char *type;
		jwt_alg_t algorithm;
	} cases[] = { { "RSA", JWT_ALG_RS256 }, { "EC", JWT_ALG_ES256 } };

	for (size_t i = 0; i < 2; i++)
	{
		TokenKeys *keys;

		make_pair(cases[i].type, private_pem, public_pem);
		snprintf(files, sizeof(files), "%s:%s", jwt_alg_str(cases[i].algorithm), write_key("public.pem", public_pem));
		keys = keys_of(files);
		ck_assert(verify(keys, sign(cases[i].algorithm, private_pem, NULL, CLAIMS)));
		ck_assert(!verify(keys, sign(JWT_ALG_HS256, public_pem, NULL, CLAIMS)));
		ck_assert(!verify(keys, sign(JWT_ALG_NONE, NULL, NULL, CLAIMS)));
		make_pair(cases[i].type, private_pem, public_pem);
		ck_assert(!verify(keys, sign(cases[i].algorithm, private_pem, NULL, CLAIMS)));
		token_keys_release(keys);
	}
}
END_TEST

START_TEST(the_kid_chooses_the_key)
{
	char files[200];
	TokenKeys *keys;

	snprintf(files, sizeof(files), "a=HS256:%s,b=HS256:%s", write_key("a", secret), write_key("b", other_secret));
	keys = keys_of(files);
	ck_assert(verify(keys, sign(JWT_ALG_HS256, secret, "a", CLAIMS)));
	ck_assert(verify(keys, sign(JWT_ALG_HS256, other_secret, "b", CLAIMS)));
	ck_assert(!verify(keys, sign(JWT_ALG_HS256, secret, "b", CLAIMS)));
	ck_assert(!verify(keys, sign(JWT_ALG_HS256, secret, "c", CLAIMS)));
	ck_assert(!verify(keys, sign(JWT_ALG_HS256, secret, NULL, CLAIMS)));
	token_keys_release(keys);
}
END_TEST

START_TEST(times_are_kept_within_the_skew)
{
	TokenKeys *keys = keys_of(write_key("secret", secret));

	ck_assert(verify(keys, sign(JWT_ALG_HS256, secret, NULL, "{\"sub\":\"7\",\"exp\":1699999970}")));
	ck_assert(!verify(keys, sign(JWT_ALG_HS256, secret, NULL, "{\"sub\":\"7\",\"exp\":1699999969}")));
	ck_assert(verify(keys, sign(JWT_ALG_HS256, secret, NULL, "{\"sub\":\"7\",\"exp\":1700000100,\"nbf\":1700000030}")));
	ck_assert(
		!verify(keys, sign(JWT_ALG_HS256, secret, NULL, "{\"sub\":\"7\",\"exp\":1700000100,\"nbf\":1700000031}")));
	token_keys_release(keys);
}
END_TEST

START_TEST(claims_that_make_no_sense_are_refused)
{
	const char *const claims[] = { "{\"sub\":\"7\"}",
								   "{\"exp\":1700000100}",
								   "{\"sub\":\"x\",\"exp\":1700000100}",
								   "{\"sub\":\"0\",\"exp\":1700000100}",
								   "{\"sub\":7,\"exp\":1700000100}",
								   "{\"sub\":\"07\",\"exp\":1700000100}",
								   "{\"sub\":\"+7\",\"exp\":1700000100}",
								   "{\"sub\":-7,\"exp\":1700000100}",
								   "{\"sub\":\"7 \",\"exp\":1700000100}",
								   "{\"sub\":\"7\",\"exp\":\"1700000100\"}",
								   "{\"sub\":\"7\",\"exp\":1700000100,\"nbf\":\"x\"}",
								   "{\"sub\":\"7\",\"exp\":1e300}" };
	TokenKeys *keys = keys_of(write_key("secret", secret));

	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
		ck_assert_msg(!verify(keys, sign(JWT_ALG_HS256, secret, NULL, claims[i])), "%s", claims[i]);
	token_keys_release(keys);
}
END_TEST

START_TEST(a_changed_token_is_refused_at_every_byte)
{
	TokenKeys *keys = keys_of(write_key("secret", secret));
	char *token = sign(JWT_ALG_HS256, secret, NULL, CLAIMS);
	size_t length = strlen(token);

	for (size_t i = 0; i + 1 < length; i++) /* the last letter has unused bits */
	{
		char *changed = strdup(token);

		/* Not all of these fit into the share of one second. */
		token_cache_dispose(cache);
		cache = token_cache_create();
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		ck_assert_msg(!verify(keys, changed), "byte %zu", i);
		changed = strndup(token, i);
		ck_assert(!verify(keys, changed));
	}
	free(token);
	token_keys_release(keys);
}
END_TEST

START_TEST(other_keys_do_not_trust_the_cache)
{
	TokenKeys *before = keys_of(write_key("secret", secret));
	TokenKeys *after;
	char *token = sign(JWT_ALG_HS256, secret, NULL, CLAIMS);

	ck_assert(verify(before, strdup(token)));
	after = keys_of(write_key("other", other_secret));
	ck_assert(!verify(after, strdup(token)));
	ck_assert(verify(before, token));
	token_keys_release(before);
	token_keys_release(after);
}
END_TEST

/* Returns what is wrong with a key file of these bytes for this algorithm, or "" if nothing is. */
static const char *
complaint(const char *algorithm, const char *bytes)
{
	char files[96];
	TokenKeys *keys;

	snprintf(files, sizeof(files), "%s:%s", algorithm, write_key("key", bytes));
	error[0] = '\0';
	keys = read_keys(files, "", "");
	ck_assert((keys == NULL) == (error[0] != '\0'));
	token_keys_release(keys);
	return error;
}

START_TEST(keys_that_are_none_are_refused)
{
	ck_assert_ptr_null(read_keys("HS256:/nowhere", "", ""));
	ck_assert_ptr_nonnull(strstr(error, "/nowhere"));
	ck_assert_ptr_null(read_keys(",", "", ""));
	ck_assert_ptr_null(read_keys(write_key("secret", secret), "", ""));
	ck_assert_ptr_nonnull(strstr(error, "algorithm"));
	ck_assert_str_ne(complaint("HS384", secret), "");
	ck_assert_str_ne(complaint("HS256", "too short"), "");
	ck_assert_str_ne(complaint("RS256", secret), "");
	ck_assert_str_ne(complaint("RS256", "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n"), "");
	ck_assert_str_eq(complaint("HS256", secret), "");
}
END_TEST

START_TEST(a_key_of_another_kind_is_refused)
{
	char rsa_private[4096];
	char rsa_public[4096];
	char ec_private[4096];
	char ec_public[4096];
	char text[4200];

	make_pair("RSA", rsa_private, rsa_public);
	make_pair("EC", ec_private, ec_public);
	ck_assert_str_eq(complaint("RS256", rsa_public), "");
	ck_assert_str_eq(complaint("ES256", ec_public), "");
	ck_assert_str_ne(complaint("RS256", ec_public), "");
	ck_assert_str_ne(complaint("ES256", rsa_public), "");
	ck_assert_str_ne(complaint("RS256", rsa_private), "");
	ck_assert_str_ne(complaint("HS256", rsa_public), "");
	ck_assert_str_ne(complaint("HS256", ec_private), "");
	for (size_t i = 0; i < 3; i++)
	{
		static const char *const lines[] = { "# our identity provider's\n", "\n", "\xef\xbb\xbf" };

		snprintf(text, sizeof(text), "%s%s", lines[i], rsa_public);
		ck_assert_str_ne(complaint("HS256", text), "");
		ck_assert_str_eq(complaint("RS256", text), i == 2 ? error : "");
	}
	ck_assert_str_ne(complaint("HS256", strchr(rsa_public, '\n') + 1), "");
	ck_assert_str_ne(complaint("HS256", strchr(ec_public, '\n') + 1), "");
	ck_assert_str_ne(complaint("HS256", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 somebody"), "");
	ck_assert_str_ne(complaint("HS256", "{\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFb\"}"), "");
	ck_assert_str_ne(complaint("HS256", "---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2EAAAADAQABAAABAQC7"), "");
}
END_TEST

START_TEST(issuer_and_audience_are_checked_where_they_are_configured)
{
	char files[96];
	TokenKeys *keys;

	snprintf(files, sizeof(files), "HS256:%s", write_key("secret", secret));
	keys = read_keys(files, "https://id.example.org", "parley");
#define WITH(more) sign(JWT_ALG_HS256, secret, NULL, "{\"sub\":\"7\",\"exp\":1700000100" more "}")
	ck_assert(verify(keys, WITH(",\"iss\":\"https://id.example.org\",\"aud\":\"parley\"")));
	ck_assert(verify(keys, WITH(",\"iss\":\"https://id.example.org\",\"aud\":[\"else\",\"parley\"]")));
	ck_assert(!verify(keys, WITH(",\"iss\":\"https://id.example.org\",\"aud\":[\"else\"]")));
	ck_assert(!verify(keys, WITH(",\"iss\":\"https://id.example.com\",\"aud\":\"parley\"")));
	ck_assert(!verify(keys, WITH(",\"aud\":\"parley\"")));
	ck_assert(!verify(keys, WITH("")));
#undef WITH
	token_keys_release(keys);
}
END_TEST

START_TEST(bad_tokens_take_a_bounded_share_of_a_second)
{
	char private_pem[4096];
	char public_pem[4096];
	char files[200];
	char *good;
	char *new_one;
	char *bad;
	TokenKeys *keys;
	TokenVerdict verdict = TOKEN_BAD;

	make_pair("EC", private_pem, public_pem);
	snprintf(files, sizeof(files), "ES256:%s", write_key("public.pem", public_pem));
	keys = keys_of(files);
	good = sign(JWT_ALG_ES256, private_pem, NULL, CLAIMS);
	new_one = sign(JWT_ALG_ES256, private_pem, NULL, CLAIMS); /* such signatures differ each time */
	make_pair("EC", private_pem, public_pem);
	bad = sign(JWT_ALG_ES256, private_pem, NULL, CLAIMS);
	ck_assert_int_eq(token_verify(cache, keys, good, strlen(good), NOW, &caller), TOKEN_GOOD);
	for (int i = 0; i < 1000000 && verdict == TOKEN_BAD; i++)
		verdict = token_verify(cache, keys, bad, strlen(bad), NOW, &caller);
	ck_assert_int_eq(verdict, TOKEN_NOT_EXAMINED);
	ck_assert_int_eq(token_verify(cache, keys, good, strlen(good), NOW, &caller), TOKEN_GOOD);
	ck_assert_int_eq(token_verify(cache, keys, new_one, strlen(new_one), NOW, &caller), TOKEN_NOT_EXAMINED);
	ck_assert_int_eq(token_verify(cache, keys, new_one, strlen(new_one), NOW + 1, &caller), TOKEN_GOOD);
	ck_assert_int_eq(token_verify(cache, keys, bad, strlen(bad), NOW + 1, &caller), TOKEN_BAD);
	free(good);
	free(new_one);
	free(bad);
	token_keys_release(keys);
}
END_TEST

static volatile sig_atomic_t interruptions;

static void
on_interruption(int signal_number)
{
	(void) signal_number;
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	interruptions++;
}

START_TEST(a_thread_that_others_hold_up_has_wasted_nothing)
{
	TokenKeys *keys = keys_of(write_key("secret", secret));
	char *bad = sign(JWT_ALG_HS256, other_secret, NULL, CLAIMS);
	struct itimerval often = { .it_interval.tv_usec = 1000, .it_value.tv_usec = 1000 };

	signal(SIGVTALRM, on_interruption);
	ck_assert_int_eq(setitimer(ITIMER_VIRTUAL, &often, NULL), 0); /* in processor time, of which it needs little */
	while (interruptions < 4)
		ck_assert_int_eq(token_verify(cache, keys, bad, strlen(bad), NOW, &caller), TOKEN_BAD);
	signal(SIGVTALRM, SIG_IGN);
	free(bad);
	token_keys_release(keys);
}
END_TEST

RUN_TESTS("token", a_phone_is_told_by_the_claim_that_is_set, a_secret_verifies_its_tokens,
		  public_keys_verify_and_are_no_secrets, the_kid_chooses_the_key, times_are_kept_within_the_skew,
		  claims_that_make_no_sense_are_refused, a_changed_token_is_refused_at_every_byte,
		  other_keys_do_not_trust_the_cache, keys_that_are_none_are_refused, a_key_of_another_kind_is_refused,
		  issuer_and_audience_are_checked_where_they_are_configured, bad_tokens_take_a_bounded_share_of_a_second,
		  a_thread_that_others_hold_up_has_wasted_nothing)
