/*
 * batch.c: posts many transactions in one commit.
 *
 * Locks the accounts in the order of (user_id, id), each of them once. The drafts of an account are posted in the order
 * given. Memory is allocated in the caller's context.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "errors.h"
#include "ledger/posting.h"

PG_FUNCTION_INFO_V1(parley_post_transactions);

/* The limits of the domains parley.idempotency_key and parley.memo. */
#define KEY_LENGTH_MAX 64
#define MEMO_LENGTH_MAX 500

typedef struct BatchRow
{
	int64 user_id;
	int64 account_id;
	PostingDraft draft;
	Posting posting;
	int position; /* in the argument arrays */
	bool incomplete;
} BatchRow;

typedef struct Batch
{
	BatchRow *rows;
	int count;
} Batch;

typedef struct Column
{
	Datum *values;
	bool *nulls;
	int count;
} Column;

static Column
column_read(FunctionCallInfo fcinfo, int argument, Oid type)
{
	Column column = { .count = -1 };
	int16 length;
	bool by_value;
	char alignment;

	if (PG_ARGISNULL(argument))
		return column;
	if (ARR_NDIM(PG_GETARG_ARRAYTYPE_P(argument)) > 1)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR), errmsg("arrays of a batch must be one-dimensional")));
	get_typlenbyvalalign(type, &length, &by_value, &alignment);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), type, length, by_value, alignment, &column.values, &column.nulls,
					  &column.count);
	return column;
}

static int64
column_number(const Column *column, int position, bool *incomplete)
{
	if (column->nulls[position])
		*incomplete = true;
	return column->nulls[position] ? 0 : DatumGetInt64(column->values[position]);
}

static text *
column_text(const Column *column, int position)
{
	return column->count < 0 || column->nulls[position] ? NULL : DatumGetTextPP(column->values[position]);
}

static Batch
batch_read(FunctionCallInfo fcinfo)
{
	static const char *const names[] = { "user_ids", "account_ids", "amounts", "memos", "idempotency_keys" };
	Column columns[lengthof(names)];
	Batch batch;

	for (int i = 0; i < (int) lengthof(names); i++)
	{
		columns[i] = column_read(fcinfo, i, i < 3 ? INT8OID : TEXTOID);
		if (columns[i].count != columns[0].count && (i < 3 || columns[i].count >= 0))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("%s has %d elements, not %d", names[i], columns[i].count, columns[0].count),
							errargument(names[i])));
	}
	batch.count = Max(columns[0].count, 0);
	batch.rows = palloc0(sizeof(BatchRow) * Max(batch.count, 1));
	for (int i = 0; i < batch.count; i++)
	{
		BatchRow *row = &batch.rows[i];

		row->position = i;
		row->user_id = column_number(&columns[0], i, &row->incomplete);
		row->account_id = column_number(&columns[1], i, &row->incomplete);
		row->draft.amount = column_number(&columns[2], i, &row->incomplete);
		row->draft.memo = column_text(&columns[3], i);
		row->draft.idempotency_key = column_text(&columns[4], i);
	}
	return batch;
}

static int
row_compare_account(const void *a, const void *b)
{
	const BatchRow *x = a;
	const BatchRow *y = b;

	if (x->user_id != y->user_id)
		return x->user_id < y->user_id ? -1 : 1;
	if (x->account_id != y->account_id)
		return x->account_id < y->account_id ? -1 : 1;
	return x->position - y->position;
}

static int
row_compare_position(const void *a, const void *b)
{
	return ((const BatchRow *) a)->position - ((const BatchRow *) b)->position;
}

/* Makes the checks that the domains of post_transaction's arguments make. Returns the error message, or NULL. */
static const char *
row_fault(const BatchRow *row)
{
	text *key = row->draft.idempotency_key;
	text *memo = row->draft.memo;

	if (row->incomplete)
		return "user, account or amount is missing";
	if (row->draft.amount == 0 || row->draft.amount < -AMOUNT_MAX || row->draft.amount > AMOUNT_MAX)
		return "amount must not be 0 or beyond 10^15";
	if (key != NULL)
	{
		int length = VARSIZE_ANY_EXHDR(key);
		bool is_printable = true;

		for (int i = 0; i < length; i++)
			is_printable &= VARDATA_ANY(key)[i] >= ' ' && VARDATA_ANY(key)[i] <= '~';
		if (!is_printable || length < 1 || length > KEY_LENGTH_MAX)
			return "idempotency key must be 1 to 64 printable ASCII characters";
	}
	if (memo != NULL)
	{
		int length = pg_mbstrlen_with_len(VARDATA_ANY(memo), VARSIZE_ANY_EXHDR(memo));

		if (length < 1 || length > MEMO_LENGTH_MAX)
			return "memo must be 1 to 500 characters";
	}
	return NULL;
}

/* Posts the rows from `first` on that belong to the same account, and returns their number. */
static int
account_post(LedgerRows *rows, Batch *batch, int first)
{
	BatchRow *row = &batch->rows[first];
	int count = 1;
	Account account;
	bool exists;

	while (first + count < batch->count && row[count].user_id == row->user_id &&
		   row[count].account_id == row->account_id)
		count++;
	exists = parley_account_lock(rows, row->user_id, row->account_id, &account);
	for (int i = 0; i < count; i++)
	{
		Account named = { .user_id = row->user_id, .id = row->account_id };
		const char *fault = row_fault(&row[i]);

		CHECK_FOR_INTERRUPTS();
		if (fault != NULL)
			row[i].posting = parley_posting_fail(&named, &row[i].draft, ERRCODE_INVALID_PARAMETER_VALUE, NULL, fault);
		else if (!exists)
			row[i].posting = parley_posting_no_account(row->user_id, row->account_id, &row[i].draft, NULL);
		else
			row[i].posting = parley_posting_make(rows, &account, &row[i].draft);
	}
	if (exists)
		parley_account_save(rows, &account);
	return count;
}

Datum
parley_post_transactions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Batch batch = batch_read(fcinfo);
	LedgerRows *rows;

	InitMaterializedSRF(fcinfo, 0);
	rows = parley_ledger_rows_open(true);
	qsort(batch.rows, batch.count, sizeof(BatchRow), row_compare_account);
	for (int i = 0; i < batch.count;)
		i += account_post(rows, &batch, i);
	parley_ledger_rows_close(rows);
	qsort(batch.rows, batch.count, sizeof(BatchRow), row_compare_position);
	for (int i = 0; i < batch.count; i++)
	{
		Datum values[POSTED_COLUMNS];
		bool nulls[POSTED_COLUMNS];

		CHECK_FOR_INTERRUPTS();
		parley_posting_columns(&batch.rows[i].posting, values, nulls);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
