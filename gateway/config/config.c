/*
 * config: reads the settings from the environment and the command line.
 */
#include "config/config.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef enum SettingType
{
	SETTING_ConfigText,
	SETTING_ConfigNumber,
	SETTING_ConfigSwitch
} SettingType;

typedef struct Setting
{
	const char *name;
	SettingType type;
	size_t offset;
	const char *fallback;
	long minimum;
	long maximum;
	const char *argument;
	const char *help;
} Setting;

static const Setting settings[] = {
#define SETTING(name, type, fallback, minimum, maximum, argument, help) \
	{ #name, SETTING_##type, offsetof(Config, name), #fallback, minimum, maximum, argument, help },
	CONFIG_SETTINGS(SETTING)
#undef SETTING
};

enum
{
	SETTING_COUNT = sizeof(settings) / sizeof(settings[0]),
	OPTION_CHECK = SETTING_COUNT,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_COUNT,
	NAME_LENGTH_MAX = 64
};

/* Writes "queue_limit" as --queue-limit or PARLEY_QUEUE_LIMIT. */
static void
setting_spell(const char *name, const char *prefix, char separator, bool upper, char *out)
{
	size_t length = strlen(prefix);

	memcpy(out, prefix, length);
	for (; *name != '\0' && length < NAME_LENGTH_MAX - 1; name++)
		out[length++] = *name == '_' ? separator : upper ? (char) toupper((unsigned char) *name) : *name;
	out[length] = '\0';
}

static bool
switch_parse(const char *value, bool *result)
{
	static const char *const words[] = { "false", "true", "off", "on", "no", "yes", "0", "1" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
	{
		if (strcasecmp(value, words[i]) == 0)
		{
			*result = i % 2 == 1;
			return true;
		}
	}
	return false;
}

/* Sets one field. `source` is where the value came from, for error messages. */
static bool
setting_assign(Config *config, const Setting *setting, const char *value, const char *source, FILE *errors)
{
	void *field = (char *) config + setting->offset;
	char *end;
	long number;

	switch (setting->type)
	{
		case SETTING_ConfigText:
			*(ConfigText *) field = value;
			/* An empty value would turn off what someone meant to turn on. */
			if (strlen(value) >= (size_t) setting->minimum)
				return true;
			fprintf(errors, "parleyd: %s is empty; omit it instead\n", source);
			return false;
		case SETTING_ConfigSwitch:
			if (switch_parse(value, field))
				return true;
			fprintf(errors, "parleyd: %s is \"%s\", it must be true or false\n", source, value);
			return false;
		case SETTING_ConfigNumber:
			errno = 0;
			number = strtol(value, &end, 10);
			*(ConfigNumber *) field = number;
			if (errno == 0 && end != value && *end == '\0' && number >= setting->minimum && number <= setting->maximum)
				return true;
			fprintf(errors, "parleyd: %s is \"%s\", it must be a whole number from %ld to %ld\n", source, value,
					setting->minimum, setting->maximum);
			return false;
	}
	return false;
}

static void
config_write_help(FILE *output)
{
	fputs("parleyd serves parley's routes over HTTP.\n\n"
		  "Usage: parleyd [OPTION]...\n\n"
		  "Each option can also be given in the environment: --queue-limit as PARLEY_QUEUE_LIMIT.\n\n",
		  output);
	for (int i = 0; i < SETTING_COUNT; i++)
	{
		char flag[NAME_LENGTH_MAX];
		char usage[NAME_LENGTH_MAX + 16];

		setting_spell(settings[i].name, "--", '-', false, flag);
		snprintf(usage, sizeof(usage), "%s%s%s", flag, settings[i].argument == NULL ? "" : " ",
				 settings[i].argument == NULL ? "" : settings[i].argument);
		fprintf(output, "  %-30s %s (default %s)\n", usage, settings[i].help, settings[i].fallback);
	}
	fputs("  --check                        look at configuration and routes, then end\n"
		  "  --version                      say which version this is\n"
		  "  --help                         say this\n",
		  output);
}

static ConfigAction
config_read_arguments(Config *config, int argc, char *const *argv, FILE *output, FILE *errors)
{
	static char names[SETTING_COUNT][NAME_LENGTH_MAX];
	struct option options[OPTION_COUNT + 1] = { [OPTION_CHECK] = { "check", no_argument, NULL, OPTION_CHECK },
												[OPTION_HELP] = { "help", no_argument, NULL, OPTION_HELP },
												[OPTION_VERSION] = { "version", no_argument, NULL, OPTION_VERSION } };
	ConfigAction action = CONFIG_RUN;
	int option;

	for (int i = 0; i < SETTING_COUNT; i++)
	{
		setting_spell(settings[i].name, "--", '-', false, names[i]);
		options[i] = (struct option){ names[i] + 2,
									  settings[i].argument == NULL ? optional_argument : required_argument, NULL, i };
	}
	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
	{
		if (option >= 0 && option < SETTING_COUNT)
		{
			if (!setting_assign(config, &settings[option], optarg == NULL ? "true" : optarg, names[option], errors))
				return CONFIG_WRONG;
		}
		else if (option == OPTION_CHECK)
			action = CONFIG_CHECK;
		else if (option == OPTION_HELP)
		{
			config_write_help(output);
			return CONFIG_DONE;
		}
		else if (option == OPTION_VERSION)
		{
			fprintf(output, "parleyd %s\n", PARLEY_VERSION);
			return CONFIG_DONE;
		}
		else
		{
			fprintf(errors, "parleyd: unknown or incomplete argument \"%s\"; see --help\n", argv[optind - 1]);
			return CONFIG_WRONG;
		}
	}
	if (optind == argc)
		return action;
	fprintf(errors, "parleyd: unknown argument \"%s\"; see --help\n", argv[optind]);
	return CONFIG_WRONG;
}

ConfigAction
config_read(Config *config, int argc, char *const *argv, FILE *output, FILE *errors)
{
	bool fine = true;

	*config = (Config){
#define SETTING(name, type, fallback, minimum, maximum, argument, help) .name = fallback,
		CONFIG_SETTINGS(SETTING)
#undef SETTING
	};
	for (int i = 0; i < SETTING_COUNT; i++)
	{
		char name[NAME_LENGTH_MAX];
		const char *value;

		setting_spell(settings[i].name, "PARLEY_", '_', true, name);
		value = getenv(name);
		if (value != NULL)
			fine = setting_assign(config, &settings[i], value, name, errors) && fine;
	}
	return fine ? config_read_arguments(config, argc, argv, output, errors) : CONFIG_WRONG;
}
