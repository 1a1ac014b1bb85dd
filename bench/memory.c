/*
 * memory: allocation that does not fail. The generator cannot continue without memory, so it exits.
 */
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>

static void *
present(void *memory, size_t count, size_t size)
{
	if (memory != NULL || count == 0)
		return memory;
	fprintf(stderr, "out of memory (asked for %zu times %zu bytes)\n", count, size);
	exit(EXIT_FAILURE);
}

void *
memory_bytes(size_t size)
{
	return memory_array(1, size);
}

void *
memory_array(size_t count, size_t size)
{
	return present(calloc(count, size), count, size);
}

void *
memory_resize(void *memory, size_t count, size_t size)
{
	return present(reallocarray(memory, count, size), count, size);
}
