/*
 * names.c: see names.h.
 */
#include "postgres.h"

#include "access/amapi.h"
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "rows/names.h"

/* Functions of PostgreSQL's own that look up names, such as to_regclass(), are not immutable. */
static bool
function_uses_names(Oid function, void *unused)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool uses_names = true;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);

		uses_names = form->provolatile != PROVOLATILE_IMMUTABLE ||
					 (form->prolang != INTERNALlanguageId && form->prolang != ClanguageId);
		ReleaseSysCache(tuple);
	}
	return uses_names;
}

/* Comparing arrays or rows calls functions of their elements' types. */
static bool
type_uses_names(Oid type)
{
	return getBaseType(type) >= FirstUnpinnedObjectId;
}

bool
parley_expression_uses_names(Node *expression, void *unused)
{
	if (expression == NULL)
		return false;
	switch (nodeTag(expression))
	{
		case T_Var:
		case T_Const:
		case T_CoerceToDomainValue:
			return type_uses_names(exprType(expression));
		case T_OpExpr:
		case T_ScalarArrayOpExpr:
		case T_FuncExpr:
			if (type_uses_names(exprType(expression)) || check_functions_in_node(expression, function_uses_names, NULL))
				return true;
			break;
		case T_NullTest:
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
	return expression_tree_walker(expression, parley_expression_uses_names, unused);
}

bool
parley_domain_uses_names(Oid domain, MemoryContext context)
{
	DomainConstraintRef *constraints = MemoryContextAllocZero(context, sizeof(DomainConstraintRef));
	ListCell *cell;

	InitDomainConstraintRef(domain, constraints, context, false);
	foreach (cell, constraints->constraints)
		if (parley_expression_uses_names((Node *) ((DomainConstraintState *) lfirst(cell))->check_expr, NULL))
			return true;
	return false;
}

bool
parley_index_uses_names(Relation index, const IndexInfo *info)
{
	int keys = IndexRelationGetNumberOfKeyAttributes(index);

	for (int i = 0; i < keys; i++)
		if (type_uses_names(TupleDescAttr(RelationGetDescr(index), i)->atttypid))
			return true;
	for (int i = 0; i < keys * index->rd_indam->amsupport; i++)
		if (OidIsValid(index->rd_support[i]) && function_uses_names(index->rd_support[i], NULL))
			return true;
	return info->ii_ExclusionOps != NULL || parley_expression_uses_names((Node *) info->ii_Expressions, NULL) ||
		   parley_expression_uses_names((Node *) info->ii_Predicate, NULL);
}
