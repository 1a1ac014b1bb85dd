/*
 * block_times.c: see block_times.h.
 *
 * A summary that is not there, or is just being made, counts as endless; whoever inserts widens a summary before the
 * row can be seen, so what is read after the snapshot was taken is never too old. Share-locks one page of the index at
 * a time.
 */
#include "postgres.h"

#include "access/brin_internal.h"
#include "access/brin_revmap.h"
#include "access/brin_tuple.h"
#include "storage/bufmgr.h"
#include "utils/timestamp.h"

#include "block_times.h"

/* brin_minmax keeps the least and the greatest. */
#define SUMMARY_GREATEST 1

static TimestampTz
summary_newest(BrinMemTuple *summary)
{
	const BrinValues *created_at = &summary->bt_columns[0];

	if (summary->bt_placeholder)
		return DT_NOEND;
	if (created_at->bv_allnulls)
		return DT_NOBEGIN;
	return DatumGetTimestampTz(created_at->bv_values[SUMMARY_GREATEST]);
}

BlockTimes
parley_block_times_read(Relation index, BlockNumber blocks, Snapshot snapshot)
{
	BlockTimes times = { 0 };
	BrinDesc *description = brin_build_desc(index);
	BrinRevmap *map = brinRevmapInitialize(index, &times.blocks_per_run, snapshot);
	BrinMemTuple *summary = brin_new_memtuple(description);
	Buffer buffer = InvalidBuffer;

	times.run_count = (blocks + times.blocks_per_run - 1) / times.blocks_per_run;
	times.newest = palloc(sizeof(TimestampTz) * (times.run_count + 1));
	for (BlockNumber run = 0; run < times.run_count; run++)
	{
		OffsetNumber offset;
		Size size;
		BrinTuple *stored = brinGetTupleForHeapBlock(map, run * times.blocks_per_run, &buffer, &offset, &size,
													 BUFFER_LOCK_SHARE, snapshot);

		times.newest[run] = DT_NOEND;
		if (stored != NULL)
		{
			summary = brin_deform_tuple(description, stored, summary);
			times.newest[run] = summary_newest(summary);
			LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
		}
	}
	if (BufferIsValid(buffer))
		ReleaseBuffer(buffer);
	brinRevmapTerminate(map);
	brin_free_desc(description);
	return times;
}
