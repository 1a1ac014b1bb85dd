/*
 * shared: what all workers share. Its parts are constant, atomic, or have their own locks.
 */
#ifndef SHARED_H
#define SHARED_H

#include <pthread.h>
#include <stdatomic.h>

#include <h2o.h>

#include "config/config.h"
#include "base/metrics.h"
#include "access/rate_limit.h"

enum
{
	SESSION_SQL_MAX = 1024
};

typedef struct Shared
{
	const Config *config;
	h2o_globalconf_t http;
	char read_session_sql[SESSION_SQL_MAX];
	char write_session_sql[SESSION_SQL_MAX];
	size_t worker_count;
	size_t write_connections; /* per worker */
	size_t client_limit;      /* --connection-limit, or less if there are fewer descriptors */
	pthread_barrier_t set_up;
	atomic_uint pools_ready;
	atomic_bool has_routes;
	atomic_uint client_count;
	RateLimit *rate_limit; /* NULL if there is none */
	Metrics **metrics;     /* one per worker */
} Shared;

#endif
