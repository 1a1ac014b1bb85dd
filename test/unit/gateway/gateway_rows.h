/* Rows as PostgreSQL would return them, made by libpq itself. */
#ifndef GATEWAY_ROWS_H
#define GATEWAY_ROWS_H

#include <string.h>

#include <libpq-fe.h>

typedef struct RowColumn
{
	const char *name;
	Oid type;
} RowColumn;

/* cells: row by row; NULL is an SQL null. */
static PGresult *
make_rows(const RowColumn *columns, int column_count, const char *const *cells, int row_count)
{
	PGresult *rows = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	PGresAttDesc attributes[16];

	memset(attributes, 0, sizeof(attributes));
	for (int i = 0; i < column_count; i++)
	{
		attributes[i].name = (char *) columns[i].name;
		attributes[i].typid = columns[i].type;
	}
	PQsetResultAttrs(rows, column_count, attributes);
	for (int i = 0; i < row_count * column_count; i++)
	{
		const char *cell = cells[i];

		PQsetvalue(rows, i / column_count, i % column_count, (char *) cell, cell == NULL ? -1 : (int) strlen(cell));
	}
	return rows;
}

#endif
