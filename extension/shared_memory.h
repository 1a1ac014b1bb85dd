/*
 * shared_memory.h: the shared memory of the modules that need some. It exists only if parley is in
 * shared_preload_libraries.
 */
#ifndef PARLEY_SHARED_MEMORY_H
#define PARLEY_SHARED_MEMORY_H

#include "postgres.h"

#include "storage/lwlock.h"

typedef struct SharedMemory
{
	const char *name;
	const char *lock_name; /* of the lock that protects it, or NULL if it needs none */
	Size (*size)(void);    /* called when the number of backends is known */
	/* Called in each process with the memory, which is zero and has to be initialized if it is new. */
	void (*attach)(void *memory, bool is_new, LWLock *lock);
} SharedMemory;

/* Requests the memory. Call once, when the library is loaded. `memory` must be static. If the library is not preloaded,
 * does nothing. */
extern void parley_shared_memory_request(const SharedMemory *memory);

/* Fails with 55000 if the library is not preloaded, so that there is no memory: it is what attach() was given, or NULL.
 */
extern void parley_shared_memory_require(const void *memory);

#endif
