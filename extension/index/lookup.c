/*
 * lookup.c: see lookup.h.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "index/lookup.h"
#include "owner.h"

/* Looks up and locks the relation in one step, in case it is concurrently dropped and created again. */
static Relation
relation_open_by_name(const char *name)
{
	Oid oid = RangeVarGetRelid(makeRangeVar("parley", (char *) name, -1), AccessShareLock, true);

	return OidIsValid(oid) ? relation_open(oid, NoLock) : NULL;
}

/* Returns whether it is a table, and a heap: search reads its pages in advance. */
static bool
table_is_plain(Relation table)
{
	return table->rd_rel->relkind == RELKIND_RELATION && table->rd_rel->relam == HEAP_TABLE_AM_OID;
}

static bool
table_has_children(Relation table)
{
	return has_subclass(RelationGetRelid(table)) && find_inheritance_children(RelationGetRelid(table), NoLock) != NIL;
}

/* Returns whether policies decide which rows the user reads. */
static bool
table_has_policies(Relation table)
{
	return check_enable_rls(RelationGetRelid(table), InvalidOid, true) == RLS_ENABLED;
}

static AclResult
table_may_be_read(Relation table)
{
	return pg_class_aclcheck(RelationGetRelid(table), GetUserId(), ACL_SELECT);
}

Relation
parley_table_open(const char *name)
{
	Relation table = relation_open_by_name(name);

	if (table == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table \"parley.%s\" does not exist", name)));
	if (!table_is_plain(table))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("\"parley.%s\" is not a plain table", name)));
	if (table_has_children(table))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("table \"parley.%s\" has child tables", name)));
	if (table_may_be_read(table) != ACLCHECK_OK)
		aclcheck_error(table_may_be_read(table), OBJECT_TABLE, name);
	if (table_has_policies(table))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("table \"parley.%s\" has row security for user \"%s\"",
																name, GetUserNameFromId(GetUserId(), false))));
	return table;
}

AttrNumber
parley_column(Relation table, const char *name, Oid type)
{
	TupleDesc desc = RelationGetDescr(table);
	int number = SPI_fnumber(desc, name);

	if (number <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("column \"%s\" of \"%s\" does not exist", name, RelationGetRelationName(table))));
	if (!IsBinaryCoercible(TupleDescAttr(desc, number - 1)->atttypid, type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("column \"%s\" of \"%s\" is not of type %s", name,
															RelationGetRelationName(table), format_type_be(type))));
	return number;
}

/* Indexes that are known to have their form. Checking costs a tenth of a search, since it prints their definitions. */
#define KNOWN_MAX 32
static struct
{
	Oid index;
	const IndexForm *form;
} known[KNOWN_MAX];
static int known_count;

static void
on_relation_changed(Datum argument, Oid relation)
{
	known_count = 0;
}

void
parley_lookup_init(void)
{
	CacheRegisterRelcacheCallback(on_relation_changed, (Datum) 0);
}

static bool
index_has_predicate(Relation index, const char *predicate)
{
	bool isnull;
	Datum tree = SysCacheGetAttr(INDEXRELID, index->rd_indextuple, Anum_pg_index_indpred, &isnull);

	if (isnull || predicate == NULL)
		return isnull && predicate == NULL;
	return strcmp(
			   TextDatumGetCString(DirectFunctionCall2(pg_get_expr, tree, ObjectIdGetDatum(index->rd_index->indrelid))),
			   predicate) == 0;
}

/* The key must have the default operator class, and a text key the database's collation. */
static bool
index_has_column(Relation index, int i, const IndexForm *form)
{
	Oid family = form->access_method == GIN_AM_OID
					 ? get_opfamily_oid(GIN_AM_OID, list_make2(makeString("parley"), makeString("gram_ops")), true)
					 : get_opclass_family(GetDefaultOpClass(index->rd_opcintype[i], form->access_method));

	return i < index->rd_index->indnkeyatts && index->rd_opfamily[i] == family &&
		   ((index->rd_indoption[i] & INDOPTION_DESC) != 0) == form->is_descending &&
		   (!OidIsValid(index->rd_indcollation[i]) || index->rd_indcollation[i] == DEFAULT_COLLATION_OID) &&
		   strcmp(
			   TextDatumGetCString(DirectFunctionCall3(pg_get_indexdef_ext, ObjectIdGetDatum(RelationGetRelid(index)),
													   Int32GetDatum(i + 1), BoolGetDatum(false))),
			   form->columns[i]) == 0;
}

static bool
index_has_form(Relation table, Relation index, const IndexForm *form)
{
	int level;
	bool has_form;

	for (int i = 0; i < known_count; i++)
		if (known[i].index == RelationGetRelid(index) && known[i].form == form)
			return true;
	if (index->rd_rel->relkind != RELKIND_INDEX || index->rd_index->indrelid != RelationGetRelid(table) ||
		index->rd_rel->relam != form->access_method)
		return false;
	/* These settings decide how names are printed. */
	level = NewGUCNestLevel();
	parley_pin_search_path();
	set_config_option("quote_all_identifiers", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	has_form = index_has_predicate(index, form->predicate);
	for (int i = 0; has_form && i < INDEX_COLUMNS_MAX && form->columns[i] != NULL; i++)
		has_form = index_has_column(index, i, form);
	AtEOXact_GUC(false, level);
	if (has_form && known_count < KNOWN_MAX)
	{
		known[known_count].index = RelationGetRelid(index);
		known[known_count++].form = form;
	}
	return has_form;
}

/* Returns why a query could not use the index, or NULL if it could. The planner makes the same tests, in
 * get_relation_info(). */
static const char *
index_fault(Relation table, Relation index, const IndexForm *form)
{
	if (index == NULL)
		return "It does not exist.";
	if (!index_has_form(table, index, form))
		return "It is not the index that parley made.";
	if (!index->rd_index->indisvalid || !index->rd_index->indisready || !index->rd_index->indislive)
		return "It is being built, or building it failed.";
	if (index->rd_index->indcheckxmin && !form->keys_are_fixed &&
		!TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data), TransactionXmin))
		return "It was built after this transaction began.";
	return NULL;
}

/* Opens the index that has the form's name, or the primary key. */
static Relation
index_open_current(Relation table, const IndexForm *form)
{
	Oid primary_key;

	if (form->name != NULL)
		return relation_open_by_name(form->name);
	primary_key = compat_primary_key(table);
	return OidIsValid(primary_key) ? relation_open(primary_key, AccessShareLock) : NULL;
}

/* For how many ms to wait for an index that is being replaced, which takes a few. */
#define REPLACING_MS 1000

/* Returns whether the index is not what it was looked up as. REINDEX CONCURRENTLY lets another one take its place, and
 * for a moment after that has committed, the caches of other sessions have only some of its changes. */
static bool
index_is_being_replaced(Relation index, const IndexForm *form)
{
	return form->name != NULL ? strcmp(RelationGetRelationName(index), form->name) != 0 : !index->rd_index->indisvalid;
}

Relation
parley_index_open(Relation table, const IndexForm *form, bool missing_ok)
{
	Relation index = index_open_current(table, form);
	const char *fault = index_fault(table, index, form);

	for (int tries = 0; fault != NULL && index != NULL && index_is_being_replaced(index, form) && tries < REPLACING_MS;
		 tries++)
	{
		relation_close(index, NoLock);
		CHECK_FOR_INTERRUPTS();
		pg_usleep(1000);
		AcceptInvalidationMessages();
		index = index_open_current(table, form);
		fault = index_fault(table, index, form);
	}
	if (fault == NULL)
		return index;
	if (!missing_ok)
		ereport(ERROR, (errcode(ERRCODE_CANNOT_CONNECT_NOW),
						errmsg("%s of table \"parley.%s\" cannot be used",
							   form->name != NULL ? psprintf("index \"%s\"", form->name) : "the primary key",
							   RelationGetRelationName(table)),
						errdetail_internal("%s", fault),
						errhint("Call parley.finish_bulk_load() if a bulk load was not finished. REINDEX the index if "
								"it is not valid.")));
	if (index != NULL)
		relation_close(index, NoLock);
	return NULL;
}

/* Returns NULL where parley_table_open() fails. */
static Relation
table_try_open(const char *name)
{
	Relation table = relation_open_by_name(name);

	if (table == NULL || (table_is_plain(table) && !table_has_children(table) && !table_has_policies(table) &&
						  table_may_be_read(table) == ACLCHECK_OK))
		return table;
	relation_close(table, NoLock);
	return NULL;
}

bool
parley_lookup_is_possible(const char *table_name, const IndexForm *form)
{
	Relation table = table_try_open(table_name);
	Relation index = table == NULL ? NULL : parley_index_open(table, form, true);

	if (index != NULL)
		relation_close(index, NoLock);
	if (table != NULL)
		relation_close(table, NoLock);
	return index != NULL;
}

static void
lookup_begin(Lookup *lookup, Relation table, Relation index, int key_count, Snapshot snapshot)
{
	lookup->index = index;
	lookup->key_count = key_count;
	lookup->scan = compat_index_beginscan(table, index, snapshot, key_count);
	lookup->slot = table_slot_create(table, NULL);
}

void
parley_lookup_open(Lookup *lookup, Relation table, const IndexForm *form, int key_count, Snapshot snapshot)
{
	lookup_begin(lookup, table, parley_index_open(table, form, false), key_count, snapshot);
}

Relation
parley_lookup_try_open(Lookup *lookup, const char *table_name, const IndexForm *form, int key_count, Snapshot snapshot)
{
	Relation table = table_try_open(table_name);
	Relation index = table == NULL ? NULL : parley_index_open(table, form, true);

	if (index != NULL)
		lookup_begin(lookup, table, index, key_count, snapshot);
	else if (table != NULL)
		relation_close(table, NoLock);
	return index == NULL ? NULL : table;
}

void
parley_lookup_start(Lookup *lookup, const int64 *keys)
{
	ScanKeyData scan_keys[INDEX_COLUMNS_MAX];

	for (int i = 0; i < lookup->key_count; i++)
		ScanKeyInit(&scan_keys[i], i + 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(keys[i]));
	parley_lookup_start_scan(lookup, scan_keys);
}

void
parley_lookup_start_scan(Lookup *lookup, ScanKey conditions)
{
	index_rescan(lookup->scan, conditions, lookup->key_count, NULL, 0);
}

bool
parley_lookup_next(Lookup *lookup)
{
	return index_getnext_slot(lookup->scan, ForwardScanDirection, lookup->slot);
}

bool
parley_lookup_previous(Lookup *lookup)
{
	return index_getnext_slot(lookup->scan, BackwardScanDirection, lookup->slot);
}

void
parley_lookup_close(Lookup *lookup)
{
	ExecDropSingleTupleTableSlot(lookup->slot);
	index_endscan(lookup->scan);
	relation_close(lookup->index, NoLock);
}
