/*
 * descriptors: how many the process needs, and how many are left for clients. Each connection of a client is one.
 */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include <stddef.h>

typedef struct DescriptorNeeds
{
	size_t workers;
	size_t listeners;            /* per worker */
	size_t database_connections; /* per worker */
} DescriptorNeeds;

/* The descriptors that the needs take, some to spare included. */
size_t descriptors_needed(const DescriptorNeeds *needs);

/* How many the process may have open (RLIMIT_NOFILE). */
size_t descriptors_allowed(void);

#endif
