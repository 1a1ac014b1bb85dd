/*
 * descriptors: counted from what each part of the gateway opens.
 */
#include "base/descriptors.h"

#include <sys/resource.h>

enum
{
	OF_THE_PROCESS = 5,  /* the three standard ones, the main loop, signals */
	OF_A_LOOP = 4,       /* a worker's, and the pipe that wakes it */
	OF_A_CONNECTION = 2, /* libpq's, and the duplicate that the loop watches */
	OF_THE_LOADER = OF_A_CONNECTION,
	SPARE = 8 /* files read anew, names looked up, connections that are being refused */
};

size_t
descriptors_needed(const DescriptorNeeds *needs)
{
	size_t worker = OF_A_LOOP + needs->listeners + OF_A_CONNECTION * needs->database_connections;

	return OF_THE_PROCESS + OF_THE_LOADER + SPARE + needs->workers * worker;
}

size_t
descriptors_allowed(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (size_t) limit.rlim_cur : 1024;
}
