/*
 * schema.h: the version of the tables in the database. The library also serves those of version 1.0 until they are
 * updated.
 */
#ifndef PARLEY_SCHEMA_H
#define PARLEY_SCHEMA_H

#include "postgres.h"

/* Returns whether the tables are still those of version 1.0. They cannot be updated until this transaction has ended.
 */
extern bool parley_schema_is_1_0(void);

#endif
