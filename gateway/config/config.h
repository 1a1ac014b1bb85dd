/*
 * config: all settings of parleyd in one table. The struct's fields, the flags (--long-flag), the environment variables
 * (PARLEY_LONG_FLAG), --help and the table in docs/gateway.md are derived from it. A flag overrides the environment.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stdio.h>

#include "config/settings.h"

/* The release of both parleyd and the extension. */
#define PARLEY_VERSION "1.1"

typedef const char *ConfigText;
typedef long ConfigNumber;
typedef bool ConfigSwitch;

typedef struct Config
{
#define SETTING(name, type, fallback, minimum, maximum, argument, help) type name;
	CONFIG_SETTINGS(SETTING)
#undef SETTING
} Config;

typedef enum ConfigAction
{
	CONFIG_RUN,
	CONFIG_CHECK, /* --check: check configuration and routes, then exit */
	CONFIG_DONE,  /* --help, --version: everything is printed */
	CONFIG_WRONG  /* errors were written to `errors` */
} ConfigAction;

/* Fills `config` from defaults, environment and arguments, in this order. Texts point into argv and the environment. */
ConfigAction config_read(Config *config, int argc, char *const *argv, FILE *output, FILE *errors);

#endif
