/*
 * statement.c: see statement.h.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "parser/parse_coerce.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "statement.h"

static void
statement_prepare(Statement *statement)
{
	int parameter_count = 0;
	SPIPlanPtr plan;

	while (parameter_count < STATEMENT_PARAMETERS_MAX && OidIsValid(statement->parameters[parameter_count]))
		parameter_count++;
	plan = SPI_prepare_cursor(statement->sql, parameter_count, statement->parameters,
							  statement->is_generic ? CURSOR_OPT_GENERIC_PLAN : 0);
	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", statement->sql, SPI_result_code_string(SPI_result));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not keep the plan of \"%s\"", statement->sql);
	statement->plan = plan;
}

uint64
parley_statement_run(Statement *statement, Datum *values, const char *nulls, bool read_only, long rows_max)
{
	int code;

	if (statement->plan == NULL)
		statement_prepare(statement);
	code = SPI_execute_plan(statement->plan, values, nulls, read_only, rows_max);
	if (code < 0)
		elog(ERROR, "could not run \"%s\": %s", statement->sql, SPI_result_code_string(code));
	return SPI_processed;
}

Datum
parley_statement_value(uint64 row, int column, Oid type, bool *isnull)
{
	Form_pg_attribute attribute = TupleDescAttr(SPI_tuptable->tupdesc, column - 1);
	bool ignored;

	if (!IsBinaryCoercible(attribute->atttypid, type))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" is not of type %s", NameStr(attribute->attname), format_type_be(type))));
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull ? isnull : &ignored);
}

Datum
parley_int64_array(const Datum *values, int count)
{
	return PointerGetDatum(
		construct_array((Datum *) values, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
