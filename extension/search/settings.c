/*
 * settings.c: see settings.h.
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "search/settings.h"

int parley_search_method = SEARCH_AUTO;
int parley_search_walk_budget = 20000;
int parley_search_user_conversations = 2000;

static const struct config_enum_entry search_methods[] = {
	{ "auto", SEARCH_AUTO, false },
	{ "walk", SEARCH_BY_WALK, false },
	{ "index", SEARCH_BY_INDEX, false },
	{ NULL, 0, false },
};

void
parley_search_settings_init(void)
{
	DefineCustomEnumVariable(
		"parley.search_method", "Selects how a search finds its matches.",
		"auto decides according to what the index knows about the term. The other values are for tests.",
		&parley_search_method, SEARCH_AUTO, search_methods, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("parley.search_walk_budget",
							"Sets how many of the newest messages a search walks before it uses the index.", NULL,
							&parley_search_walk_budget, 20000, 0, INT_MAX, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("parley.search_user_conversations",
							"Sets the maximum number of a user's conversations that a search reads at its start.",
							"If a user has more, all conversations are searched and those of others are left out.",
							&parley_search_user_conversations, 2000, 0, INT_MAX, PGC_USERSET, 0, NULL, NULL, NULL);
}
