/*
 * user_count: the number of streams of each user, shared by all threads.
 */
#ifndef USER_COUNT_H
#define USER_COUNT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct UserCount UserCount;

UserCount *user_count_create(void);
void user_count_dispose(UserCount *counts);

/* Adds one, unless the user has reached the limit. */
bool user_count_add(UserCount *counts, int64_t user_id, unsigned limit);
void user_count_remove(UserCount *counts, int64_t user_id);

#endif
