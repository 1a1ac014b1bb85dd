/*
 * names.h: whether code that writing a row runs may look up names, and so depends on search_path.
 *
 * The code of functions that are immutable and written in C does not. Whatever is not known to be such code may.
 */
#ifndef PARLEY_NAMES_H
#define PARLEY_NAMES_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "utils/rel.h"

/* The second argument is not used; it makes this an expression_tree_walker() function. */
extern bool parley_expression_uses_names(Node *expression, void *unused);

/* The constraints of a domain. Some memory of the context stays in use. */
extern bool parley_domain_uses_names(Oid domain, MemoryContext context);

/* Inserting into an index that is open. */
extern bool parley_index_uses_names(Relation index, const IndexInfo *info);

#endif
