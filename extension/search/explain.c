/*
 * explain.c: how a list with a term is found.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "search/list.h"

PG_FUNCTION_INFO_V1(parley_explain_search);

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
	Listing listing = parley_listing_read(fcinfo, 0, PG_ARGISNULL(5) ? NULL : &user_id);
	MessageStream messages;
	ContactStream contacts;
	int64 count, total;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	if (listing.filter.term != NULL)
	{
		parley_listing_find(&listing, &messages, &contacts, &count, &total);
		explain_put(result, "messages", &messages.trace);
		explain_put(result, "contacts", &contacts.trace);
	}
	SPI_finish();
	return (Datum) 0;
}
