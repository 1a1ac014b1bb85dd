/*
 * row_writer.c: see row_writer.h.
 *
 * Memory is allocated in the writer's executor state, except for what a session knows about a table (RowForm). Finding
 * it in the catalog for every single row would cost more than another index.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteHandler.h"
#include "storage/proc.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "compat.h"
#include "index/lookup.h"
#include "rows/row_writer.h"

typedef struct ColumnDefault
{
	AttrNumber column;
	ExprState *value;
} ColumnDefault;

/* The prepared expressions and predicate of an index. Either may be missing. */
typedef struct IndexStates
{
	Oid index;
	List *expressions;
	ExprState *predicate;
} IndexStates;

/* Counts the invalidations of anything that a RowForm depends on. */
static uint64 catalog_changes;

static void
on_relation_changed(Datum argument, Oid relation)
{
	catalog_changes++;
}

static void
on_object_changed(Datum argument, int cache, uint32 hash)
{
	catalog_changes++;
}

void
parley_row_writer_init(void)
{
	CacheRegisterRelcacheCallback(on_relation_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, on_object_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, on_object_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(OPEROID, on_object_changed, (Datum) 0);
	/* The name of the schema, and who may use it. */
	CacheRegisterSyscacheCallback(NAMESPACEOID, on_object_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, on_object_changed, (Datum) 0);
}

static void
table_require_writable(const RowTable *table)
{
	Relation relation = table->relation;
	const TriggerDesc *triggers = relation->trigdesc;
	const char *unsupported = NULL;
	bool has_rule = false;

	for (int i = 0; relation->rd_rules != NULL && i < relation->rd_rules->numLocks; i++)
		has_rule |= relation->rd_rules->rules[i]->event == table->command;
	if (relation->rd_rel->relkind != RELKIND_RELATION)
		unsupported = "is not an ordinary table";
	else if (has_rule)
		unsupported = "has a rule";
	else if (relation->rd_rel->relrowsecurity &&
			 check_enable_rls(RelationGetRelid(relation), InvalidOid, true) == RLS_ENABLED)
		unsupported = "has row-level security";
	else if (triggers != NULL &&
			 (table->command == CMD_INSERT ? triggers->trig_insert_new_table
										   : triggers->trig_update_old_table || triggers->trig_update_new_table))
		unsupported = "has a trigger with a transition table";
	if (unsupported != NULL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("table \"%s\" %s, which the ledger does not support", table->name, unsupported)));
}

/*
 * Returns whether the state of an expression may keep references to the statement that first evaluates it, as whole-row
 * variables, hashed arrays, domain constraints and user-defined functions do. We keep only expressions made of columns,
 * constants, and built-in operators and functions.
 */
static bool
expression_is_of_one_statement(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
			return ((Var *) node)->varattno <= 0;
		case T_OpExpr:
			if (((OpExpr *) node)->opfuncid >= FirstUnpinnedObjectId)
				return true;
			break;
		case T_FuncExpr:
			if (((FuncExpr *) node)->funcid >= FirstUnpinnedObjectId)
				return true;
			break;
		case T_NullTest:
			if (((NullTest *) node)->argisrow)
				return true;
			break;
		case T_Const:
		case T_BoolExpr:
		case T_RelabelType:
		case T_List:
			break;
		default:
			return true;
	}
	return expression_tree_walker(node, expression_is_of_one_statement, context);
}

/* If one of the constraints cannot be kept, the executor prepares all of them itself. */
static void
form_prepare_checks(RowForm *form, Relation relation)
{
	const TupleConstr *constraints = RelationGetDescr(relation)->constr;
	int count = constraints == NULL ? 0 : constraints->num_check;
	ExprState **states = palloc(sizeof(ExprState *) * Max(count, 1));

	for (int i = 0; i < count; i++)
	{
		Expr *expression = compat_check_expression(relation, i);

		if (expression != NULL)
			expression = expression_planner(expression);
		if (expression_is_of_one_statement((Node *) expression, NULL))
			return;
		states[i] = expression == NULL ? NULL : ExecInitExpr(expression, NULL);
	}
	form->checks = states;
}

/* Returns false if the form cannot be replaced, because an outer writer, one of whose triggers called us, may still be
 * using it. */
static bool
form_build(RowTable *table, uint64 changes)
{
	RowForm *form = table->form;
	MemoryContext caller;

	if (form->used_by == compat_local_transaction())
		return false;
	if (form->context != NULL)
		MemoryContextDelete(form->context);
	*form = (RowForm){ .context = AllocSetContextCreate(TopMemoryContext, "parley row form", ALLOCSET_SMALL_SIZES) };
	caller = MemoryContextSwitchTo(form->context);
	form_prepare_checks(form, table->relation);
	MemoryContextSwitchTo(caller);
	memcpy(form->columns, table->columns, sizeof(form->columns));
	form->user = GetUserId();
	form->changes = changes;
	form->relation = RelationGetRelid(table->relation);
	return true;
}

/* Prepares the expressions of the table's open indexes that can be kept. */
static void
form_prepare_indexes(RowForm *form, const ResultRelInfo *info)
{
	MemoryContext caller = MemoryContextSwitchTo(form->context);

	form->indexes = palloc(sizeof(IndexStates) * Max(info->ri_NumIndices, 1));
	for (int i = 0; i < info->ri_NumIndices; i++)
	{
		const IndexInfo *index = info->ri_IndexRelationInfo[i];
		IndexStates *states = &form->indexes[form->index_count];
		List *expressions = (List *) expression_planner((Expr *) copyObject(index->ii_Expressions));
		List *predicate = (List *) expression_planner((Expr *) copyObject(index->ii_Predicate));

		if (expression_is_of_one_statement((Node *) expressions, NULL) ||
			expression_is_of_one_statement((Node *) predicate, NULL))
			continue;
		*states = (IndexStates){ .index = RelationGetRelid(info->ri_IndexRelationDescs[i]),
								 .expressions = ExecInitExprList(expressions, NULL),
								 .predicate = ExecInitQual(predicate, NULL) };
		form->index_count++;
	}
	MemoryContextSwitchTo(caller);
}

/* Opens the table that has the form, if nothing has changed since. */
static bool
table_open_again(RowTable *table)
{
	const RowForm *form = table->form;

	if (form->changes != catalog_changes || form->user != GetUserId() || !OidIsValid(form->relation))
		return false;
	table->relation = try_relation_open(form->relation, RowExclusiveLock);
	/* Locking may have let changes in. */
	if (table->relation != NULL && form->changes == catalog_changes)
	{
		memcpy(table->columns, form->columns, sizeof(table->columns));
		return true;
	}
	if (table->relation != NULL)
		relation_close(table->relation, RowExclusiveLock);
	return false;
}

static void
table_open_for_writing(RowTable *table)
{
	const TriggerDesc *triggers;
	uint64 changes = catalog_changes;

	table->has_form = table_open_again(table);
	if (!table->has_form)
		table->relation = table_openrv(makeRangeVar("parley", (char *) table->name, -1), RowExclusiveLock);
	table_require_writable(table);
	if (!table->has_form)
	{
		for (int i = 0; i < table->column_count; i++)
			table->columns[i] = parley_column(table->relation, table->column_names[i], table->column_types[i]);
		table->has_form = form_build(table, changes);
	}
	if (table->has_form)
		table->form->used_by = compat_local_transaction();
	triggers = table->relation->trigdesc;
	table->has_triggers = false;
	if (triggers != NULL && table->command == CMD_INSERT)
		table->has_triggers = triggers->trig_insert_before_row || triggers->trig_insert_after_row ||
							  triggers->trig_insert_before_statement || triggers->trig_insert_after_statement;
	else if (triggers != NULL)
		table->has_triggers = triggers->trig_update_before_row || triggers->trig_update_after_row ||
							  triggers->trig_update_before_statement || triggers->trig_update_after_statement;
}

static void
range_table_add(List **range_table, List **permissions, const RowTable *table)
{
	RangeTblEntry *entry = makeNode(RangeTblEntry);
	Bitmapset *written = NULL;

	for (int i = 0; i < table->written_count; i++)
		written = bms_add_member(written, table->columns[i] - FirstLowInvalidHeapAttributeNumber);
	entry->rtekind = RTE_RELATION;
	entry->relid = RelationGetRelid(table->relation);
	entry->relkind = table->relation->rd_rel->relkind;
	entry->rellockmode = RowExclusiveLock;
	compat_range_table_add(range_table, permissions, entry, table->command, written);
}

/* Finds the defaults of the columns that are not written, as an INSERT without them would use. */
static void
defaults_find(RowTable *table, EState *estate)
{
	TupleDesc desc = RelationGetDescr(table->relation);

	table->defaults = palloc(sizeof(ColumnDefault) * desc->natts);
	for (AttrNumber column = 1; column <= desc->natts; column++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, column - 1);
		bool is_written = false;
		Expr *value;

		for (int i = 0; i < table->written_count; i++)
			is_written |= table->columns[i] == column;
		if (attribute->attisdropped || attribute->attgenerated != '\0' || is_written)
			continue;
		value = (Expr *) build_column_default(table->relation, column);
		if (value != NULL)
			table->defaults[table->default_count++] =
				(ColumnDefault){ .column = column, .value = ExecPrepareExpr(value, estate) };
	}
}

void
parley_row_writer_open(RowWriter *writer, RowTable *tables, int count)
{
	EState *estate = CreateExecutorState();
	MemoryContext caller = MemoryContextSwitchTo(estate->es_query_cxt);
	List *range_table = NIL;
	List *permissions = NIL;

	*writer = (RowWriter){ .estate = estate, .tables = tables, .table_count = count };
	for (int i = 0; i < count; i++)
	{
		table_open_for_writing(&tables[i]);
		range_table_add(&range_table, &permissions, &tables[i]);
	}
	compat_range_table_init(estate, range_table, permissions);
	for (int i = 0; i < count; i++)
	{
		RowTable *table = &tables[i];

		table->info = makeNode(ResultRelInfo);
		InitResultRelInfo(table->info, table->relation, i + 1, NULL, 0);
		estate->es_opened_result_relations = lappend(estate->es_opened_result_relations, table->info);
		/* The executor prepares what is not there. */
		if (table->has_form)
			compat_check_states(table->info) = table->form->checks;
		table->slot = ExecInitExtraTupleSlot(estate, RelationGetDescr(table->relation), &TTSOpsVirtual);
		if (table->command == CMD_INSERT && RelationGetNumberOfAttributes(table->relation) > table->written_count)
			defaults_find(table, estate);
	}
	compat_eval_plan_qual_init(&writer->epq, estate);
	AfterTriggerBeginQuery();
	MemoryContextSwitchTo(caller);
}

void
parley_row_writer_close(RowWriter *writer)
{
	for (int i = 0; i < writer->table_count; i++)
	{
		RowTable *table = &writer->tables[i];

		if (table->is_begun && table->command == CMD_INSERT)
			ExecASInsertTriggers(writer->estate, table->info, NULL);
		else if (table->is_begun)
			ExecASUpdateTriggers(writer->estate, table->info, NULL);
	}
	AfterTriggerEndQuery(writer->estate);
	EvalPlanQualEnd(&writer->epq);
	ExecResetTupleTable(writer->estate->es_tupleTable, false);
	for (int i = 0; i < writer->table_count; i++)
	{
		if (writer->tables[i].is_begun)
			ExecCloseIndices(writer->tables[i].info);
		table_close(writer->tables[i].relation, NoLock);
	}
	FreeExecutorState(writer->estate);
	CommandCounterIncrement();
}

/* Passes the prepared expressions to the executor, which would otherwise prepare them itself. */
static void
table_use_index_states(RowTable *table)
{
	RowForm *form = table->form;

	if (form->indexes == NULL)
		form_prepare_indexes(form, table->info);
	for (int i = 0; i < table->info->ri_NumIndices; i++)
		for (int k = 0; k < form->index_count; k++)
			if (form->indexes[k].index == RelationGetRelid(table->info->ri_IndexRelationDescs[i]))
			{
				table->info->ri_IndexRelationInfo[i]->ii_ExpressionsState = form->indexes[k].expressions;
				table->info->ri_IndexRelationInfo[i]->ii_PredicateState = form->indexes[k].predicate;
			}
}

/* Called before each row. Before the first one, opens the indexes and fires BEFORE STATEMENT triggers. */
static void
table_begin(RowWriter *writer, RowTable *table)
{
	MemoryContext caller;

	if (table->is_begun)
		return;
	table->is_begun = true;
	caller = MemoryContextSwitchTo(writer->estate->es_query_cxt);
	ExecOpenIndices(table->info, false);
	MemoryContextSwitchTo(caller);
	if (table->has_form)
		table_use_index_states(table);
	if (table->command == CMD_INSERT)
		ExecBSInsertTriggers(writer->estate, table->info);
	else
		ExecBSUpdateTriggers(writer->estate, table->info);
}

static void
row_set(TupleTableSlot *slot, AttrNumber column, Datum value, bool isnull)
{
	slot->tts_values[column - 1] = value;
	slot->tts_isnull[column - 1] = isnull;
}

/* Completes the row in the table's slot with the written columns and writes it. `replaced` is the row to update, or
 * NULL to insert. */
static void
row_write(RowWriter *writer, RowTable *table, TupleTableSlot *replaced, const Datum *values, const bool *nulls)
{
	TupleTableSlot *slot = table->slot;
	Datum known[ROW_COLUMNS_MAX];
	bool known_nulls[ROW_COLUMNS_MAX];

	for (int i = 0; i < table->written_count; i++)
		row_set(slot, table->columns[i], values[i], nulls[i]);
	ExecStoreVirtualTuple(slot);
	for (int i = 0; i < table->column_count; i++)
		known[i] = slot_getattr(slot, table->columns[i], &known_nulls[i]);

	writer->estate->es_output_cid = GetCurrentCommandId(true);
	if (replaced == NULL)
		ExecSimpleRelationInsert(table->info, writer->estate, slot);
	else
	{
		EvalPlanQualSetSlot(&writer->epq, slot);
		ExecSimpleRelationUpdate(table->info, writer->estate, &writer->epq, replaced, slot);
	}

	if (!ItemPointerIsValid(&slot->tts_tid))
		ereport(ERROR, (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
						errmsg("a trigger suppressed a row of table \"%s\"", table->name)));
	for (int i = 0; i < table->column_count && table->has_triggers; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(slot->tts_tupleDescriptor, table->columns[i] - 1);
		bool isnull;
		Datum value = slot_getattr(slot, table->columns[i], &isnull);

		if (isnull != known_nulls[i] ||
			(!isnull && !datum_image_eq(value, known[i], attribute->attbyval, attribute->attlen)))
			ereport(ERROR,
					(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
					 errmsg("a trigger changed column \"%s\" of table \"%s\"", table->column_names[i], table->name)));
	}
	ResetPerTupleExprContext(writer->estate);
}

void
parley_row_insert(RowWriter *writer, RowTable *table, const Datum *values, const bool *nulls)
{
	TupleTableSlot *slot = table->slot;

	table_begin(writer, table);
	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, sizeof(bool) * slot->tts_tupleDescriptor->natts);
	for (int i = 0; i < table->default_count; i++)
	{
		const ColumnDefault *other = &table->defaults[i];
		bool isnull;
		Datum value = ExecEvalExprSwitchContext(other->value, GetPerTupleExprContext(writer->estate), &isnull);

		row_set(slot, other->column, value, isnull);
	}
	row_write(writer, table, NULL, values, nulls);
}

void
parley_row_update(RowWriter *writer, RowTable *table, TupleTableSlot *row, const Datum *values, const bool *nulls)
{
	TupleTableSlot *slot = table->slot;

	table_begin(writer, table);
	ExecClearTuple(slot);
	for (AttrNumber column = 1; column <= slot->tts_tupleDescriptor->natts; column++)
	{
		bool isnull;
		Datum value = slot_getattr(row, column, &isnull);

		row_set(slot, column, value, isnull || TupleDescAttr(slot->tts_tupleDescriptor, column - 1)->attisdropped);
	}
	row_write(writer, table, row, values, nulls);
}
