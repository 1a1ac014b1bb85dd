/*
 * row_writer.h: rows written one at a time by PostgreSQL's own functions for that, without planning a statement.
 *
 * ExecSimpleRelationInsert() and ExecSimpleRelationUpdate() check constraints, compute generated columns, fire row
 * triggers, and keep indexes and replica identity; logical replication's apply worker writes with them too. Defaults,
 * statement triggers and privileges are seen to here. What would need the planner or the rewriter is refused: 0A000.
 */
#ifndef PARLEY_LEDGER_ROW_WRITER_H
#define PARLEY_LEDGER_ROW_WRITER_H

#include "postgres.h"

#include "executor/executor.h"
#include "utils/rel.h"

#define ROW_COLUMNS_MAX 10

/* A table's CHECK constraints as this session has prepared them: a static of the caller's, one per table. */
typedef struct RowChecks
{
	Oid relation;
	uint64 changes;          /* of the catalog, when they were prepared */
	LocalTransactionId user; /* that took them last */
	MemoryContext context;
	ExprState **states;
} RowChecks;

typedef struct RowTable
{
	/* The caller's, before it opens. */
	const char *name;                /* in the schema parley */
	CmdType command;                 /* CMD_INSERT or CMD_UPDATE: all that will be done to the table */
	const char *const *column_names; /* those that the caller knows; nobody's trigger may change them */
	const Oid *column_types;         /* theirs, or what these are binary coercible to */
	int column_count;
	int written_count; /* how many of them, from the first on, it writes */
	RowChecks *checks;

	/* Once it is open. */
	Relation relation;                   /* RowExclusiveLock, kept until the transaction ends */
	AttrNumber columns[ROW_COLUMNS_MAX]; /* where column_names stand */
	bool has_triggers;                   /* that an insert, or an update, would fire */

	/* row_writer.c's. */
	ResultRelInfo *info;
	TupleTableSlot *slot;
	struct ColumnDefault *defaults; /* of the columns that somebody added */
	int default_count;
	bool is_begun;
} RowTable;

/* Tables that are written together, as if by one statement. */
typedef struct RowWriter
{
	EState *estate;
	EPQState epq;
	RowTable *tables;
	int table_count;
} RowWriter;

/* Once a library load. */
extern void parley_row_writer_init(void);

/*
 * Opens the tables, in the order given. Errors: 42P01 and 42703 a table or column is missing; 42501 the user may not
 * write it; 0A000 it is no ordinary table, or has what the writer does not do: a rule, row-level security, a trigger
 * with a transition table.
 */
extern void parley_row_writer_open(RowWriter *writer, RowTable *tables, int count);

/* Fires the triggers that fire after a statement, and makes the rows visible to the next one. */
extern void parley_row_writer_close(RowWriter *writer);

/*
 * Inserts a row of the written columns' values and the other columns' defaults. Errors: those of constraints and
 * triggers; 27000 a trigger suppressed the row, or changed a column that the caller knows.
 */
extern void parley_row_insert(RowWriter *writer, RowTable *table, const Datum *values, const bool *nulls);

/* The same with the row in a slot, whose current version the transaction has locked. */
extern void parley_row_update(RowWriter *writer, RowTable *table, TupleTableSlot *row, const Datum *values,
							  const bool *nulls);

#endif
