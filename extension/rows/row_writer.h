/*
 * row_writer.h: inserts and updates single rows without planning a statement.
 *
 * The work is done by ExecSimpleRelationInsert() and ExecSimpleRelationUpdate(), which the apply worker of logical
 * replication also uses. They check constraints, compute generated columns, fire row triggers, and maintain indexes and
 * the replica identity. Defaults, statement triggers and privileges are handled here. Whatever would need the planner
 * or the rewriter is refused with 0A000.
 */
#ifndef PARLEY_LEDGER_ROW_WRITER_H
#define PARLEY_LEDGER_ROW_WRITER_H

#include "postgres.h"

#include "executor/executor.h"
#include "utils/rel.h"

#define ROW_COLUMNS_MAX 10

/* What the session knows about a table until the catalog changes: its columns, and its prepared CHECK constraints,
 * generated columns and index expressions. The caller keeps one of these in a static variable for each table. */
typedef struct RowForm
{
	Oid relation;
	Oid user;                            /* who looked up the table by its name */
	uint64 changes;                      /* catalog_changes before it was looked up */
	LocalTransactionId used_by;          /* the transaction that used it last */
	AttrNumber columns[ROW_COLUMNS_MAX]; /* RowTable.columns */
	Oid domains[ROW_COLUMNS_MAX];        /* RowTable.domains */
	MemoryContext context;               /* has the rest */
	void *domain_states[ROW_COLUMNS_MAX];
	ExprState **checks;    /* NULL if the executor prepares them */
	ExprState **generated; /* the same; for each column, NULL if it is not generated */
	Bitmapset *generated_columns;
	struct IndexStates *indexes; /* of the indexes with prepared expressions; NULL before the first row */
	int index_count;
	bool uses_no_names; /* writing a row runs nothing that may look up a name */
} RowForm;

typedef struct RowTable
{
	/* Set by the caller before opening. */
	const char *name;                /* in the schema parley */
	CmdType command;                 /* CMD_INSERT or CMD_UPDATE; nothing else is done to the table */
	const char *const *column_names; /* the columns that the caller uses; no trigger may change them */
	const Oid *column_types;         /* to which the actual types must be binary coercible */
	int column_count;
	int written_count;        /* the caller writes the first this many of the columns */
	const char *only_trigger; /* see parley_row_writer_try_open() */
	RowForm *form;

	/* Valid once open. */
	Relation relation;                   /* RowExclusiveLock, kept until the transaction ends */
	AttrNumber columns[ROW_COLUMNS_MAX]; /* the numbers of column_names */
	Oid domains[ROW_COLUMNS_MAX];        /* the types of those that are written, if they are domains */
	bool has_triggers;                   /* the command fires triggers */

	/* Private to row_writer.c. */
	ResultRelInfo *info;
	TupleTableSlot *slot;
	struct ColumnDefault *defaults; /* of the columns that are not written */
	int default_count;
	bool has_form; /* form can be used until the table is closed */
	bool is_begun;
} RowTable;

/* A set of tables that are written together, as if by one statement. */
typedef struct RowWriter
{
	EState *estate;
	EPQState epq;
	RowTable *tables;
	int table_count;
} RowWriter;

/* Call once, when the library is loaded. */
extern void parley_row_writer_init(void);

/*
 * Opens the tables, in the order given. Fails with 42P01 or 42703 if a table or column does not exist, with 42804 if a
 * column has another type, with 42501 if the user may not read or write a table, and with 0A000 if a relation is
 * not an ordinary table or has something that the writer does not support: a rule, row-level security, a trigger with a
 * transition table, or, among the columns to be written, a generated one or one of limited length or precision.
 */
extern void parley_row_writer_open(RowWriter *writer, RowTable *tables, int count);

/*
 * The same for callers that can do without the writer. Returns false, having opened nothing, if a table lacks a column,
 * has something that the writer does not support, has child tables, or has any trigger for the command except those of
 * foreign keys and the AFTER ROW trigger only_trigger. For these, it makes a difference what is done by one statement
 * and what by several.
 */
extern bool parley_row_writer_try_open(RowWriter *writer, RowTable *tables, int count);

/* Fires AFTER triggers, makes the rows visible to the next statement, and frees everything. */
extern void parley_row_writer_close(RowWriter *writer);

/*
 * Inserts a row with the given values of the written columns and the defaults of all others. Fails with the errors of
 * constraints and triggers, and with 27000 if a trigger suppressed the row or changed a column that the caller uses.
 */
extern void parley_row_insert(RowWriter *writer, RowTable *table, const Datum *values, const bool *nulls);

/* Updates the row in the slot, whose current version the transaction must have locked. Fails like an insert. */
extern void parley_row_update(RowWriter *writer, RowTable *table, TupleTableSlot *row, const Datum *values,
							  const bool *nulls);

/*
 * The same for a row that is not locked, of a table that was opened by parley_row_writer_try_open(). Waits for a
 * transaction that is changing the row. Returns false if it was changed or deleted: then lock it, and update again. It
 * saves the record that a lock writes to the WAL.
 */
extern bool parley_row_try_update(RowWriter *writer, RowTable *table, TupleTableSlot *row, const Datum *values,
								  const bool *nulls);

#endif
