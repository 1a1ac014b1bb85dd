/*
 * block_times.h: how new the newest message of a run of blocks can be, as a BRIN index on the time has it.
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
	BlockNumber run_count;
	BlockNumber blocks_per_run;
} BlockTimes;

/* Reads the whole index, palloc'd, after the snapshot was taken for which it is to hold; blocks: how many the table
 * has. */
extern BlockTimes parley_block_times_read(Relation index, BlockNumber blocks);

/* No message of the block that the snapshot sees is newer. */
static inline TimestampTz
parley_block_newest(const BlockTimes *times, BlockNumber block)
{
	BlockNumber run = block / times->blocks_per_run;

	return run < times->run_count ? times->newest[run] : DT_NOEND;
}

#endif
