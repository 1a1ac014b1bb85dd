/*
 * shared: the workers count in and out what they have.
 */
#include "http/shared.h"

bool
shared_is_ready(const Shared *shared)
{
	return atomic_load(&shared->has_routes) && atomic_load(&shared->pools_ready) == 2 * shared->worker_count;
}
