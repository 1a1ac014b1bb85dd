/*
 * shared_memory.c: see shared_memory.h.
 *
 * Locks AddinShmemInitLock while the server starts. The memory belongs to the server and is never freed.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "shared_memory.h"

static const SharedMemory *requested[2];
static int requested_count;
static shmem_request_hook_type previous_request_hook;
static shmem_startup_hook_type previous_startup_hook;

static void
on_shmem_request(void)
{
	if (previous_request_hook)
		previous_request_hook();
	for (int i = 0; i < requested_count; i++)
	{
		RequestAddinShmemSpace(requested[i]->size());
		if (requested[i]->lock_name != NULL)
			RequestNamedLWLockTranche(requested[i]->lock_name, 1);
	}
}

static void
on_shmem_startup(void)
{
	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (int i = 0; i < requested_count; i++)
	{
		const SharedMemory *request = requested[i];
		bool found;
		void *memory = ShmemInitStruct(request->name, request->size(), &found);

		if (!found)
			memset(memory, 0, request->size());
		request->attach(memory, !found,
						request->lock_name == NULL ? NULL : &GetNamedLWLockTranche(request->lock_name)->lock);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
parley_shared_memory_request(const SharedMemory *memory)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	Assert(requested_count < (int) lengthof(requested));
	if (requested_count == 0)
	{
		previous_request_hook = shmem_request_hook;
		shmem_request_hook = on_shmem_request;
		previous_startup_hook = shmem_startup_hook;
		shmem_startup_hook = on_shmem_startup;
	}
	requested[requested_count++] = memory;
}

void
parley_shared_memory_require(const void *memory)
{
	if (memory == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("parley must be loaded via shared_preload_libraries"),
						errhint("Add parley to shared_preload_libraries and restart PostgreSQL.")));
}
