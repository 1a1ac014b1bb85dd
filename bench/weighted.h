#ifndef BENCH_WEIGHTED_H
#define BENCH_WEIGHTED_H

#include "random.h"

#include <stddef.h>

typedef struct Weighted Weighted;

/* Draws i from 0 to count - 1 with probability weights[i] / sum, in constant time. The weights are copied. */
Weighted *weighted_create(const double *weights, size_t count);
size_t weighted_draw(const Weighted *weighted, Random *random);
void weighted_free(Weighted *weighted);

#endif
