/*
 * conversations.h: the setting that bounds how many conversations a user begins.
 */
#ifndef PARLEY_CONVERSATIONS_H
#define PARLEY_CONVERSATIONS_H

/* Defines parley.new_conversations_per_day; once a library load. */
extern void parley_conversations_init(void);

#endif
