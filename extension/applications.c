/*
 * applications.c: generates tokens that cannot be guessed.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#define TOKEN_BYTES 24
#define TOKEN_LENGTH (TOKEN_BYTES / 3 * 4)

PG_FUNCTION_INFO_V1(parley_random_token);

/* Returns 192 bits from the server's strong random generator, as 32 characters that need no escaping in a URL (RFC
 * 4648, base64url). */
Datum
parley_random_token(PG_FUNCTION_ARGS)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8 bytes[TOKEN_BYTES];
	char token[TOKEN_LENGTH];

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate a random token")));
	for (int i = 0; i < TOKEN_BYTES / 3; i++)
	{
		uint32 group = bytes[3 * i] << 16 | bytes[3 * i + 1] << 8 | bytes[3 * i + 2];

		for (int j = 0; j < 4; j++)
			token[4 * i + j] = alphabet[group >> (18 - 6 * j) & 63];
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(token, TOKEN_LENGTH));
}
