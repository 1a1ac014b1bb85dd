/*
 * explain.c: explains how a list with a term is found.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "search/listing.h"

PG_FUNCTION_INFO_V1(parley_explain_search);
/* The symbol of version 1.1. A library of version 1.0 does not have it, because it has no filters. */
PG_FUNCTION_INFO_V1(parley_explain_search_1_1);

static void
explain_put(ReturnSetInfo *result, const char *stream, const StreamTrace *trace)
{
	Datum values[] = {
		CStringGetTextDatum(stream),        CStringGetTextDatum(trace->path), Int64GetDatum((int64) trace->estimate),
		Int64GetDatum(trace->walked),       Int64GetDatum(trace->candidates), Int64GetDatum(trace->visited),
		Float8GetDatum(trace->milliseconds)
	};
	bool nulls[lengthof(values)] = { false, false, trace->estimate < 0 };

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
parley_explain_search(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int64 user_id = PG_ARGISNULL(5) ? 0 : PG_GETARG_INT64(5);
	Listing listing = parley_listing_read(fcinfo, 0, 6, PG_ARGISNULL(5) ? NULL : &user_id);
	Scope scope;
	MessageStream messages;
	ContactStream contacts;
	int64 count, total;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	if (!parley_filter_is_empty(&listing.filter))
	{
		parley_listing_find(&listing, &scope, &messages, &contacts, &count, &total);
		if (messages.trace.path != NULL)
			explain_put(result, "messages", &messages.trace);
		if (contacts.trace.path != NULL)
			explain_put(result, "contacts", &contacts.trace);
		parley_scope_close(&scope);
	}
	SPI_finish();
	return (Datum) 0;
}

Datum
parley_explain_search_1_1(PG_FUNCTION_ARGS)
{
	return parley_explain_search(fcinfo);
}
