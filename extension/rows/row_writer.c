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
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/nodeModifyTable.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteHandler.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "compat.h"
#include "index/lookup.h"
#include "owner.h"
#include "rows/names.h"
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
	CacheRegisterSyscacheCallback(AUTHOID, on_object_changed, (Datum) 0);
}

/* Returns whether a statement could not write any value of the column's type as it is. */
static bool
column_is_limited(Form_pg_attribute attribute)
{
	int32 modifier = attribute->atttypmod;

	(void) getBaseTypeAndTypmod(attribute->atttypid, &modifier);
	return modifier >= 0 || attribute->attgenerated != '\0' || attribute->attidentity == ATTRIBUTE_IDENTITY_ALWAYS;
}

static bool
table_has_limited_column(const RowTable *table)
{
	TupleDesc desc = RelationGetDescr(table->relation);

	for (int i = 0; i < table->written_count && !table->has_form; i++)
	{
		int column = SPI_fnumber(desc, table->column_names[i]);

		if (column > 0 && column_is_limited(TupleDescAttr(desc, column - 1)))
			return true;
	}
	return false;
}

/* Returns what a writer of the table must know, or NULL if it can write it. */
static const char *
table_fault(const RowTable *table)
{
	Relation relation = table->relation;
	const TriggerDesc *triggers = relation->trigdesc;
	bool has_rule = false;

	for (int i = 0; relation->rd_rules != NULL && i < relation->rd_rules->numLocks; i++)
		has_rule |= relation->rd_rules->rules[i]->event == table->command;
	if (relation->rd_rel->relkind != RELKIND_RELATION)
		return "is not an ordinary table";
	if (has_rule)
		return "has a rule";
	if (relation->rd_rel->relrowsecurity &&
		check_enable_rls(RelationGetRelid(relation), InvalidOid, true) == RLS_ENABLED)
		return "has row-level security";
	if (triggers != NULL &&
		(table->command == CMD_INSERT ? triggers->trig_insert_new_table
									  : triggers->trig_update_old_table || triggers->trig_update_new_table))
		return "has a trigger with a transition table";
	if (table_has_limited_column(table))
		return "has a column that is generated, or limited in length or precision";
	return NULL;
}

/* Returns whether the table has what parley_row_writer_try_open() requires in addition. */
static bool
table_is_as_made(const RowTable *table)
{
	const TriggerDesc *triggers = table->relation->trigdesc;

	for (int i = 0; i < table->column_count && !table->has_form; i++)
		if (SPI_fnumber(RelationGetDescr(table->relation), table->column_names[i]) <= 0)
			return false;
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];
		bool fires =
			table->command == CMD_INSERT ? TRIGGER_FOR_INSERT(trigger->tgtype) : TRIGGER_FOR_UPDATE(trigger->tgtype);

		if (fires && !trigger->tgisinternal &&
			(!TRIGGER_FOR_ROW(trigger->tgtype) || !TRIGGER_FOR_AFTER(trigger->tgtype) ||
			 strcmp(trigger->tgname, table->only_trigger) != 0))
			return false;
	}
	return !table->relation->rd_rel->relhassubclass;
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
		case T_CaseExpr:
		case T_CaseTestExpr:
		case T_CaseWhen:
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

static Expr *
generation_expression(Relation relation, AttrNumber column)
{
	if (TupleDescAttr(RelationGetDescr(relation), column - 1)->attgenerated != ATTRIBUTE_GENERATED_STORED)
		return NULL;
	return expression_planner((Expr *) build_column_default(relation, column));
}

static void
form_prepare_generated(RowForm *form, Relation relation)
{
	int count = RelationGetNumberOfAttributes(relation);
	ExprState **states = palloc0(sizeof(ExprState *) * count);
	Bitmapset *columns = NULL;

	for (AttrNumber column = 1; column <= count; column++)
	{
		Expr *expression = generation_expression(relation, column);

		if (expression_is_of_one_statement((Node *) expression, NULL))
			return;
		if (expression == NULL)
			continue;
		states[column - 1] = ExecInitExpr(expression, NULL);
		columns = bms_add_member(columns, column - FirstLowInvalidHeapAttributeNumber);
	}
	if (columns != NULL)
		form->generated = states;
	form->generated_columns = columns;
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
	form_prepare_generated(form, table->relation);
	MemoryContextSwitchTo(caller);
	memcpy(form->columns, table->columns, sizeof(form->columns));
	memcpy(form->domains, table->domains, sizeof(form->domains));
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

/* The answer holds until the catalog changes. The table's indexes are open. */
static bool
table_uses_names(const RowTable *table)
{
	const TupleConstr *constraints = RelationGetDescr(table->relation)->constr;
	const ResultRelInfo *info = table->info;

	if (table->has_triggers ||
		(table->command == CMD_INSERT && RelationGetNumberOfAttributes(table->relation) > table->written_count))
		return true;
	for (AttrNumber column = 1; column <= RelationGetNumberOfAttributes(table->relation); column++)
		if (parley_expression_uses_names((Node *) generation_expression(table->relation, column), NULL))
			return true;
	for (int i = 0; constraints != NULL && i < constraints->num_check; i++)
		if (parley_expression_uses_names((Node *) compat_check_expression(table->relation, i), NULL))
			return true;
	for (int i = 0; i < table->written_count; i++)
		if (OidIsValid(table->domains[i]) && parley_domain_uses_names(table->domains[i], table->form->context))
			return true;
	for (int i = 0; i < info->ri_NumIndices; i++)
		if (parley_index_uses_names(info->ri_IndexRelationDescs[i], info->ri_IndexRelationInfo[i]))
			return true;
	return false;
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
		memcpy(table->domains, form->domains, sizeof(table->domains));
		return true;
	}
	if (table->relation != NULL)
		relation_close(table->relation, RowExclusiveLock);
	return false;
}

static void
table_find_columns(RowTable *table)
{
	for (int i = 0; i < table->column_count; i++)
	{
		Oid type;

		table->columns[i] = parley_column(table->relation, table->column_names[i], table->column_types[i]);
		type = TupleDescAttr(RelationGetDescr(table->relation), table->columns[i] - 1)->atttypid;
		table->domains[i] = i < table->written_count && get_typtype(type) == TYPTYPE_DOMAIN ? type : InvalidOid;
	}
}

/* Sets what is valid once a table is open. */
static void
table_look_at(RowTable *table, uint64 changes)
{
	const TriggerDesc *triggers = table->relation->trigdesc;

	if (!table->has_form)
	{
		table_find_columns(table);
		table->has_form = form_build(table, changes);
	}
	if (table->has_form)
		table->form->used_by = compat_local_transaction();
	table->has_triggers = false;
	if (triggers != NULL && table->command == CMD_INSERT)
		table->has_triggers = triggers->trig_insert_before_row || triggers->trig_insert_after_row ||
							  triggers->trig_insert_before_statement || triggers->trig_insert_after_statement;
	else if (triggers != NULL)
		table->has_triggers = triggers->trig_update_before_row || triggers->trig_update_after_row ||
							  triggers->trig_update_before_statement || triggers->trig_update_after_statement;
}

/* Returns false, with the table closed, if it cannot be written and need not be. */
static bool
table_open_for_writing(RowTable *table, bool required)
{
	uint64 changes = catalog_changes;
	const char *fault;

	table->has_form = table_open_again(table);
	if (!table->has_form)
		table->relation = table_openrv(makeRangeVar("parley", (char *) table->name, -1), RowExclusiveLock);
	fault = table_fault(table);
	if (fault != NULL && required)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("table \"%s\" %s, which the ledger does not support", table->name, fault)));
	if (!required && (fault != NULL || !table_is_as_made(table)))
	{
		table_close(table->relation, NoLock);
		return false;
	}
	if (!table->has_form || !table->form->uses_no_names)
		parley_pin_search_path();
	table_look_at(table, changes);
	return true;
}

static void
range_table_add(List **range_table, List **permissions, const RowTable *table)
{
	RangeTblEntry *entry = makeNode(RangeTblEntry);
	Bitmapset *used = NULL;
	Bitmapset *written = NULL;

	for (int i = 0; i < table->column_count; i++)
	{
		used = bms_add_member(used, table->columns[i] - FirstLowInvalidHeapAttributeNumber);
		if (i < table->written_count)
			written = bms_add_member(written, table->columns[i] - FirstLowInvalidHeapAttributeNumber);
	}
	entry->rtekind = RTE_RELATION;
	entry->relid = RelationGetRelid(table->relation);
	entry->relkind = table->relation->rd_rel->relkind;
	entry->rellockmode = RowExclusiveLock;
	compat_range_table_add(range_table, permissions, entry, table->command, used, written);
}

/* Returns NULL if it is null. A domain may not allow that. */
static Expr *
default_of(Relation relation, AttrNumber column)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), column - 1);
	Node *value = build_column_default(relation, column);
	int32 modifier = attribute->atttypmod;
	Oid base;

	if (value != NULL || get_typtype(attribute->atttypid) != TYPTYPE_DOMAIN)
		return (Expr *) value;
	base = getBaseTypeAndTypmod(attribute->atttypid, &modifier);
	return (Expr *) coerce_to_domain((Node *) makeNullConst(base, modifier, attribute->attcollation), base, modifier,
									 attribute->atttypid, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1, false);
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
		value = default_of(table->relation, column);
		if (value != NULL)
			table->defaults[table->default_count++] =
				(ColumnDefault){ .column = column, .value = ExecPrepareExpr(value, estate) };
	}
}

static bool
writer_open_tables(RowWriter *writer, bool required)
{
	for (int i = 0; i < writer->table_count; i++)
		if (!table_open_for_writing(&writer->tables[i], required))
		{
			while (i-- > 0)
				table_close(writer->tables[i].relation, NoLock);
			return false;
		}
	return true;
}

static bool
writer_open(RowWriter *writer, RowTable *tables, int count, bool required)
{
	EState *estate;
	MemoryContext caller;
	List *range_table = NIL;
	List *permissions = NIL;

	*writer = (RowWriter){ .tables = tables, .table_count = count };
	if (!writer_open_tables(writer, required))
		return false;
	estate = writer->estate = CreateExecutorState();
	caller = MemoryContextSwitchTo(estate->es_query_cxt);
	for (int i = 0; i < count; i++)
		range_table_add(&range_table, &permissions, &tables[i]);
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
		if (table->has_form && table->form->generated != NULL)
			compat_use_generated(table->info, table->command, table->form->generated,
								 bms_num_members(table->form->generated_columns), table->form->generated_columns);
		table->slot = ExecInitExtraTupleSlot(estate, RelationGetDescr(table->relation), &TTSOpsVirtual);
		/* Constraints and generated columns may refer to it. */
		table->slot->tts_tableOid = RelationGetRelid(table->relation);
		if (table->command == CMD_INSERT && RelationGetNumberOfAttributes(table->relation) > table->written_count)
			defaults_find(table, estate);
	}
	compat_eval_plan_qual_init(&writer->epq, estate);
	AfterTriggerBeginQuery();
	MemoryContextSwitchTo(caller);
	return true;
}

void
parley_row_writer_open(RowWriter *writer, RowTable *tables, int count)
{
	(void) writer_open(writer, tables, count, true);
}

bool
parley_row_writer_try_open(RowWriter *writer, RowTable *tables, int count)
{
	return writer_open(writer, tables, count, false);
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
	{
		form_prepare_indexes(form, table->info);
		form->uses_no_names = !table_uses_names(table);
	}
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

/* A statement would do this when it converts the values to the types of the columns. */
static void
row_check_domains(const RowTable *table, const Datum *values, const bool *nulls)
{
	for (int i = 0; i < table->written_count; i++)
		if (OidIsValid(table->domains[i]))
			domain_check(values[i], nulls[i], table->domains[i],
						 table->has_form ? &table->form->domain_states[i] : NULL,
						 table->has_form ? table->form->context : NULL);
}

/* Completes the row in the table's slot with the values of the written columns. */
static void
row_complete(const RowTable *table, const Datum *values, const bool *nulls)
{
	row_check_domains(table, values, nulls);
	for (int i = 0; i < table->written_count; i++)
		row_set(table->slot, table->columns[i], values[i], nulls[i]);
	ExecStoreVirtualTuple(table->slot);
}

/* Writes the row in the table's slot. `replaced` is the row to update, or NULL to insert. */
static void
row_write(RowWriter *writer, RowTable *table, TupleTableSlot *replaced)
{
	TupleTableSlot *slot = table->slot;
	Datum known[ROW_COLUMNS_MAX];
	bool known_nulls[ROW_COLUMNS_MAX];

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
	row_complete(table, values, nulls);
	row_write(writer, table, NULL);
}

/* Puts the row with new values of the written columns into the table's slot. */
static void
row_replace(RowWriter *writer, RowTable *table, TupleTableSlot *row, const Datum *values, const bool *nulls)
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
	row_complete(table, values, nulls);
}

void
parley_row_update(RowWriter *writer, RowTable *table, TupleTableSlot *row, const Datum *values, const bool *nulls)
{
	row_replace(writer, table, row, values, nulls);
	row_write(writer, table, row);
}

/* Does what ExecSimpleRelationUpdate() does, except for BEFORE triggers. That fails if the row has changed. */
bool
parley_row_try_update(RowWriter *writer, RowTable *table, TupleTableSlot *row, const Datum *values, const bool *nulls)
{
	Relation relation = table->relation;
	TupleTableSlot *slot = table->slot;
	CompatUpdateIndexes update_indexes;
	TM_FailureData failure;
	LockTupleMode mode;
	TM_Result result;
	List *recheck = NIL;

	Assert(table->only_trigger != NULL);
	CheckCmdReplicaIdentity(relation, CMD_UPDATE);
	row_replace(writer, table, row, values, nulls);
	if (relation->rd_att->constr != NULL && relation->rd_att->constr->has_generated_stored)
		ExecComputeStoredGenerated(table->info, writer->estate, slot, CMD_UPDATE);
	if (relation->rd_att->constr != NULL)
		ExecConstraints(table->info, slot, writer->estate);
	if (relation->rd_rel->relispartition)
		ExecPartitionCheck(table->info, slot, writer->estate, true);
	result = table_tuple_update(relation, &row->tts_tid, slot, GetCurrentCommandId(true), writer->estate->es_snapshot,
								InvalidSnapshot, true, &failure, &mode, &update_indexes);
	if (result == TM_Ok)
	{
		if (table->info->ri_NumIndices > 0 && update_indexes)
			recheck = compat_update_index_tuples(table->info, slot, writer->estate, update_indexes);
		ExecARUpdateTriggers(writer->estate, table->info, NULL, NULL, &row->tts_tid, NULL, slot, recheck, NULL, false);
	}
	else if (result != TM_Updated && result != TM_Deleted)
		elog(ERROR, "could not update a row of table \"%s\": %d", table->name, result);
	ResetPerTupleExprContext(writer->estate);
	return result == TM_Ok;
}
