/*
 * statement.h: SQL statements that C functions run again and again. They are parsed once per session, and planned once
 * if they say so.
 *
 * A Statement is a static variable of its module. Its plan lives until the end of the session, and PostgreSQL replans
 * it when something on which it depends changes.
 */
#ifndef PARLEY_STATEMENT_H
#define PARLEY_STATEMENT_H

#include "executor/spi.h"

#define STATEMENT_PARAMETERS_MAX 10

typedef struct Statement
{
	const char *sql;
	Oid parameters[STATEMENT_PARAMETERS_MAX]; /* terminated by InvalidOid if fewer than the maximum */
	bool is_generic; /* use one plan for all values; otherwise PostgreSQL may plan it again for each run */
	SPIPlanPtr plan; /* NULL before the first run */
} Statement;

/*
 * Runs the statement, and returns the number of rows that it processed. They are in SPI_tuptable. Must be called within
 * SPI_connect() … SPI_finish(). `nulls` is as for SPI_execute_plan(); rows_max 0 means no limit. Fails with XX000 if
 * SPI does.
 */
extern uint64 parley_statement_run(Statement *statement, Datum *values, const char *nulls, bool read_only,
								   long rows_max);

/*
 * Returns a column, counted from 1, of a row of the last result. `isnull` may be NULL if the column cannot be null.
 * Fails with 42804 if the column has another type, because somebody has changed the table.
 */
extern Datum parley_statement_value(uint64 row, int column, Oid type, bool *isnull);

/* Returns a bigint[] with these values, for a parameter. */
extern Datum parley_int64_array(const Datum *values, int count);

#endif
