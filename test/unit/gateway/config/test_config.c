/* config: a flag overrides the environment, which overrides the default. Errors name the setting. */
#include "config/config.h"

#include <string.h>

#include "gateway_unit.h"

static Config config;
static char output[8192];

static ConfigAction
read_config(int count, const char *const *arguments)
{
	char *argv[16] = { "parleyd" };
	FILE *stream = fmemopen(output, sizeof(output), "w");
	ConfigAction action;

	for (int i = 0; i < count; i++)
		argv[i + 1] = (char *) arguments[i];
	action = config_read(&config, count + 1, argv, stream, stream);
	fclose(stream);
	return action;
}

#define READ(...) \
	read_config((int) (sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *)), (const char *[]){ __VA_ARGS__ })

START_TEST(defaults_are_those_of_the_table)
{
	ck_assert_int_eq(read_config(0, NULL), CONFIG_RUN);
	ck_assert_str_eq(config.listen, "127.0.0.1:8080");
	ck_assert_int_eq(config.queue_limit, 1000);
	ck_assert(!config.insecure);
}
END_TEST

START_TEST(flags_win_over_the_environment)
{
	setenv("PARLEY_QUEUE_LIMIT", "5", 1);
	setenv("PARLEY_LISTEN", "127.0.0.1:1", 1);
	setenv("PARLEY_INSECURE", "on", 1);
	ck_assert_int_eq(READ("--queue-limit", "7"), CONFIG_RUN);
	ck_assert_int_eq(config.queue_limit, 7);
	ck_assert_str_eq(config.listen, "127.0.0.1:1");
	ck_assert(config.insecure);
	ck_assert_int_eq(READ("--queue-limit=8", "--insecure=false"), CONFIG_RUN);
	ck_assert_int_eq(config.queue_limit, 8);
	ck_assert(!config.insecure);
	unsetenv("PARLEY_QUEUE_LIMIT");
	unsetenv("PARLEY_LISTEN");
	unsetenv("PARLEY_INSECURE");
}
END_TEST

START_TEST(what_is_wrong_is_named)
{
	ck_assert_int_eq(READ("--queue-limit", "many"), CONFIG_WRONG);
	ck_assert_ptr_nonnull(strstr(output, "many"));
	ck_assert_int_eq(READ("--queue-limit", "0"), CONFIG_WRONG);
	ck_assert_int_eq(READ("--queue-limit", "1x"), CONFIG_WRONG);
	ck_assert_int_eq(READ("--queue-limit", ""), CONFIG_WRONG);
	ck_assert_int_eq(READ("--queue-limit"), CONFIG_WRONG);
	for (const char *const *flag =
			 (const char *const[]){ "--jwt-key-file=", "--tls-cert-file=", "--admin-listen=", NULL };
		 *flag; flag++)
		ck_assert_msg(READ(*flag) == CONFIG_WRONG && strstr(output, "is empty"), "%s: %s", *flag, output);
	setenv("PARLEY_JWT_KEY_FILE", "", 1);
	ck_assert_int_eq(read_config(0, NULL), CONFIG_WRONG);
	ck_assert_ptr_nonnull(strstr(output, "PARLEY_JWT_KEY_FILE is empty"));
	unsetenv("PARLEY_JWT_KEY_FILE");
	ck_assert_int_eq(READ("--no-such-flag"), CONFIG_WRONG);
	ck_assert_ptr_nonnull(strstr(output, "--no-such-flag"));
	ck_assert_int_eq(READ("stray"), CONFIG_WRONG);
	ck_assert_int_eq(READ("--insecure=maybe"), CONFIG_WRONG);
	setenv("PARLEY_THREADS", "-1", 1);
	ck_assert_int_eq(read_config(0, NULL), CONFIG_WRONG);
	ck_assert_ptr_nonnull(strstr(output, "PARLEY_THREADS"));
	unsetenv("PARLEY_THREADS");
}
END_TEST

START_TEST(help_names_every_setting)
{
	ck_assert_int_eq(READ("--help"), CONFIG_DONE);
#define SETTING(name, type, fallback, minimum, maximum, argument, help) ck_assert_ptr_nonnull(strstr(output, help));
	CONFIG_SETTINGS(SETTING)
#undef SETTING
	ck_assert_int_eq(READ("--version"), CONFIG_DONE);
	ck_assert_ptr_nonnull(strstr(output, "parleyd "));
	ck_assert_int_eq(READ("--check"), CONFIG_CHECK);
}
END_TEST

RUN_TESTS("config", defaults_are_those_of_the_table, flags_win_over_the_environment, what_is_wrong_is_named,
		  help_names_every_setting)
