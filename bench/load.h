#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "csv.h"
#include "options.h"

#include <libpq-fe.h>

/*
 * Empties the tables and fills them, in one transaction: killed anywhere in it, the database is as it was before.
 * `source` is what the load is known by; `texts` is NULL for generated ones. The indexes are gone afterwards:
 * indexes_build.
 */
void load(PGconn *connection, const Options *options, const CsvTexts *texts, const char *source);

#endif
