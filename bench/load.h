#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "csv.h"
#include "options.h"

#include <libpq-fe.h>

/*
 * Truncates and fills the tables in one transaction, so if the program is killed, the database stays as it was.
 * `source` identifies the load. `texts` is NULL for generated texts. The load drops the indexes; call indexes_build()
 * afterwards.
 */
void load(PGconn *connection, const Options *options, const CsvTexts *texts, const char *source);

#endif
