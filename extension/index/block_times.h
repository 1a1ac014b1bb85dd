/*
 * block_times.h: the oldest and newest times that each range of a table's blocks can contain, read from a BRIN index on
 * the time. What BRIN calls a range is called a run here.
 */
#ifndef PARLEY_BLOCK_TIMES_H
#define PARLEY_BLOCK_TIMES_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "storage/block.h"
#include "utils/rel.h"

typedef struct BlockTimes
{
	TimestampTz *newest; /* per run; DT_NOEND if the index does not know it */
	TimestampTz *oldest; /* per run; DT_NOBEGIN if the index does not know it */
	BlockNumber run_count;
	BlockNumber blocks_per_run;
} BlockTimes;

/* Reads the whole index. `blocks` is the number of blocks of the table. The result is palloc'd, and holds for snapshots
 * taken before the call. If there is no index (NULL), every run is unknown. */
extern BlockTimes parley_block_times_read(Relation index, BlockNumber blocks);

#endif
