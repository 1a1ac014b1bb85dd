/*
 * statement.h: SQL that a C function runs again and again, parsed once a session, and planned once if it says so.
 *
 * A Statement is a static variable of its module; its plan lives until the session ends and is replanned by PostgreSQL
 * when what it depends on changes.
 */
#ifndef PARLEY_STATEMENT_H
#define PARLEY_STATEMENT_H

#include "executor/spi.h"

#define STATEMENT_PARAMETERS_MAX 10

typedef struct Statement
{
	const char *sql;
	Oid parameters[STATEMENT_PARAMETERS_MAX]; /* their types, up to the first InvalidOid */
	bool is_generic; /* one plan is as good for any values: otherwise PostgreSQL may plan it anew at each run */
	SPIPlanPtr plan; /* NULL before the first run */
} Statement;

/*
 * Runs the statement within SPI_connect() … SPI_finish(), returns how many rows it processed; they are in SPI_tuptable.
 * nulls is as SPI_execute_plan has it; rows_max 0 is no limit. Fails with XX000 where SPI does.
 */
extern uint64 parley_statement_run(Statement *statement, Datum *values, const char *nulls, bool read_only,
								   long rows_max);

/*
 * Column of a row of the last result, 1-based; *isnull may be NULL where the column cannot be null. Fails with 42804
 * where it is not of the type, which somebody then gave the table's column. */
extern Datum parley_statement_value(uint64 row, int column, Oid type, bool *isnull);

/* A bigint[] of these, for a parameter. */
extern Datum parley_int64_array(const Datum *values, int count);

#endif
