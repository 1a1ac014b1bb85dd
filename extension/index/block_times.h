/*
 * block_times.h: how new and how old the messages of a run of blocks can be, as a BRIN index on the time has it.
 */
#ifndef PARLEY_BLOCK_TIMES_H
#define PARLEY_BLOCK_TIMES_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "storage/block.h"
#include "utils/rel.h"

typedef struct BlockTimes
{
	TimestampTz *newest; /* by run; DT_NOEND where the index does not know */
	TimestampTz *oldest; /* by run; DT_NOBEGIN where the index does not know */
	BlockNumber run_count;
	BlockNumber blocks_per_run;
} BlockTimes;

/* Reads the whole index, palloc'd, after the snapshot was taken for which it is to hold; blocks: how many the table
 * has. Without an index (NULL) nothing is known. */
extern BlockTimes parley_block_times_read(Relation index, BlockNumber blocks);

#endif
