/*
 * outcome: what became of a request's query, as its answer. The callbacks of a query whose data is a Request.
 */
#ifndef OUTCOME_H
#define OUTCOME_H

#include "http/request.h"

void outcome_on_result(DbQuery *query, const PGresult *result);
void outcome_on_error(DbQuery *query, const DbError *error);
void outcome_on_timeout(DbQuery *query, bool sent);

#endif
