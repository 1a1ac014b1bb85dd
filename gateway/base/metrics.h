/*
 * metrics: counts for Prometheus. Each worker writes its own, and any worker reads all, so that counting takes no lock.
 * Series are by route template, never by path, so that their number is bounded.
 */
#ifndef METRICS_H
#define METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

typedef enum MetricsPool
{
	METRICS_READ,
	METRICS_WRITE,
	METRICS_REPLICA,
	METRICS_POOL_COUNT
} MetricsPool;

/* What a pool says of itself, gauges first. */
typedef enum PoolMetric
{
	POOL_CONNECTIONS,
	POOL_CONNECTIONS_READY,
	POOL_QUEUED,
	POOL_UNDER_WAY,
	POOL_CONNECTS,
	POOL_CONNECT_FAILURES,
	POOL_LOSSES,
	POOL_REPEATS,
	POOL_QUEUE_FULL,
	POOL_ACQUIRE_TIMEOUTS,
	POOL_QUERY_TIMEOUTS,
	POOL_NOT_SENT,
	POOL_METRIC_COUNT
} PoolMetric;

/* What there is one number of, gauges first. */
typedef enum MetricsNumber
{
	METRICS_CLIENTS,
	METRICS_STREAMS,
	METRICS_CLIENTS_REFUSED,
	METRICS_STREAMS_OPENED,
	METRICS_STREAM_EVENTS,
	METRICS_STREAM_HEARTBEATS,
	METRICS_STREAM_SYNCS_NEW,
	METRICS_STREAM_SYNCS_IDLE,
	METRICS_STREAM_WAKEUPS,
	METRICS_STREAM_FOUND_LATE,
	METRICS_NUMBER_COUNT
} MetricsNumber;

/* Why a stream ended. */
typedef enum MetricsStreamEnd
{
	METRICS_STREAM_OPEN, /* it did not */
	METRICS_STREAM_TOKEN,
	METRICS_STREAM_DRAIN,
	METRICS_STREAM_AGE,
	METRICS_STREAM_GONE,
	METRICS_STREAM_CLIENT,
	METRICS_STREAM_SLOW,
	METRICS_STREAM_END_COUNT
} MetricsStreamEnd;

const char *metrics_stream_end_name(MetricsStreamEnd end);

typedef struct Metrics Metrics;

/* The series of a route, for good; the same pair gives the same. Any thread. 0 stands for requests that met no route.
 */
unsigned metrics_series(const char *method, const char *path);

Metrics *metrics_create(void);
void metrics_dispose(Metrics *metrics);

/* The owner's thread alone. */
void metrics_count_request(Metrics *metrics, unsigned series, int status, uint64_t duration_us);
void metrics_set_pool(Metrics *metrics, MetricsPool pool, const uint64_t values[POOL_METRIC_COUNT]);
void metrics_set(Metrics *metrics, MetricsNumber gauge, uint64_t value);
void metrics_count(Metrics *metrics, MetricsNumber counter);
void metrics_count_stream_end(Metrics *metrics, MetricsStreamEnd end);
/* From the commit that woke a stream to the end of the event that tells of it. */
void metrics_count_stream_latency(Metrics *metrics, uint64_t duration_us);

/* The sum of all workers' in Prometheus' text format, version 0.0.4. Any thread. */
void metrics_write(Metrics *const *all, size_t count, Buffer *out);

#endif
