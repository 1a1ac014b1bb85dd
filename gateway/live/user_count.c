/*
 * user_count: a hash table of fixed size with one lock, which is enough because it is used only when streams open and
 * end.
 */
#include "live/user_count.h"

#include <pthread.h>
#include <stdlib.h>

#include <h2o.h>

enum
{
	CHAINS = 4096
};

typedef struct Count
{
	struct Count *next;
	int64_t user_id;
	unsigned streams;
} Count;

struct UserCount
{
	pthread_mutex_t mutex;
	Count *chains[CHAINS];
};

UserCount *
user_count_create(void)
{
	UserCount *counts = calloc(1, sizeof(*counts));

	pthread_mutex_init(&counts->mutex, NULL);
	return counts;
}

void
user_count_dispose(UserCount *counts)
{
	for (size_t i = 0; i < CHAINS; i++)
		while (counts->chains[i] != NULL)
		{
			Count *count = counts->chains[i];

			counts->chains[i] = count->next;
			free(count);
		}
	pthread_mutex_destroy(&counts->mutex);
	free(counts);
}

/* Returns where the user's count is linked, or would be. */
static Count **
find_count(UserCount *counts, int64_t user_id)
{
	Count **place = &counts->chains[(uint64_t) user_id % CHAINS];

	while (*place != NULL && (*place)->user_id != user_id)
		place = &(*place)->next;
	return place;
}

bool
user_count_add(UserCount *counts, int64_t user_id, unsigned limit)
{
	Count **place;
	bool fits;

	pthread_mutex_lock(&counts->mutex);
	place = find_count(counts, user_id);
	if (*place == NULL)
	{
		*place = h2o_mem_alloc(sizeof(Count));
		**place = (Count){ .user_id = user_id };
	}
	fits = (*place)->streams < limit;
	(*place)->streams += fits;
	pthread_mutex_unlock(&counts->mutex);
	return fits;
}

void
user_count_remove(UserCount *counts, int64_t user_id)
{
	Count **place;
	Count *count;

	pthread_mutex_lock(&counts->mutex);
	place = find_count(counts, user_id);
	count = *place;
	if (--count->streams == 0)
	{
		*place = count->next;
		free(count);
	}
	pthread_mutex_unlock(&counts->mutex);
}
