/*
 * config: every setting of parleyd in one table, from which come the struct's fields, the flags (--long-flag), the
 * environment (PARLEY_LONG_FLAG), --help and the table in docs/gateway.md. A flag wins over the environment.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stdio.h>

#include "config/settings.h"

/* The release that parleyd and the extension share. */
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
	CONFIG_CHECK, /* --check: look at configuration and routes, then end */
	CONFIG_DONE,  /* --help, --version: all is said */
	CONFIG_WRONG  /* what is wrong was written to errors */
} ConfigAction;

/* Fills config from defaults, environment and arguments, in this order. Texts stay those of argv and the environment.
 */
ConfigAction config_read(Config *config, int argc, char *const *argv, FILE *output, FILE *errors);

#endif
