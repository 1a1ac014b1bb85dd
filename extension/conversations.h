/*
 * conversations.h: the setting that limits how many conversations a user starts.
 */
#ifndef PARLEY_CONVERSATIONS_H
#define PARLEY_CONVERSATIONS_H

/* Defines parley.new_conversations_per_day. Call once, when the library is loaded. */
extern void parley_conversations_init(void);

#endif
