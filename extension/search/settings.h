/*
 * settings.h: the settings of search.
 */
#ifndef PARLEY_SEARCH_SETTINGS_H
#define PARLEY_SEARCH_SETTINGS_H

typedef enum SearchMethod
{
	SEARCH_AUTO,
	SEARCH_BY_WALK,
	SEARCH_BY_INDEX
} SearchMethod;

/* parley.search_method, parley.search_walk_budget and parley.search_user_conversations. */
extern int parley_search_method;
extern int parley_search_walk_budget;
extern int parley_search_user_conversations;

/* Defines the settings. Call once, when the library is loaded. */
extern void parley_search_settings_init(void);

#endif
