/*
 * schema.h: which version of the tables the database has. The library serves those of 1.0 too, until they are updated.
 */
#ifndef PARLEY_SCHEMA_H
#define PARLEY_SCHEMA_H

#include "postgres.h"

/* Whether an update from 1.0 is still to come; it waits until the transaction has ended. */
extern bool parley_schema_is_1_0(void);

#endif
