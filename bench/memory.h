#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <stddef.h>

/* Like malloc() (but zeroed) and realloc(), except that failure ends the program with a message. Free with free(). */
void *memory_bytes(size_t size);
void *memory_array(size_t count, size_t size);
void *memory_resize(void *memory, size_t count, size_t size);

#endif
