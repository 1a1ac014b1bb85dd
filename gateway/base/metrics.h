/*
 * metrics: counters for Prometheus. Each worker writes its own, and any worker reads all of them, so counting takes no
 * locks. There is a series per route template, never per path, so that the number of series is bounded.
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

/* The metrics of a pool, gauges first. */
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

/* Metrics that are single numbers, gauges first. */
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
	METRICS_STREAM_OPEN, /* it has not ended */
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

/* Returns the series of a route, which is permanent: the same arguments give the same series. 0 is for requests that
 * matched no route. Any thread may call this. */
unsigned metrics_series(const char *method, const char *path);

Metrics *metrics_create(void);
void metrics_dispose(Metrics *metrics);

/* Only the thread that owns the metrics may call these. */
void metrics_count_request(Metrics *metrics, unsigned series, int status, uint64_t duration_us);
void metrics_set_pool(Metrics *metrics, MetricsPool pool, const uint64_t values[POOL_METRIC_COUNT]);
void metrics_set(Metrics *metrics, MetricsNumber gauge, uint64_t value);
void metrics_count(Metrics *metrics, MetricsNumber counter);
void metrics_count_stream_end(Metrics *metrics, MetricsStreamEnd end);
/* Counts the time from the commit that woke a stream to the end of the event that reports it. */
void metrics_count_stream_latency(Metrics *metrics, uint64_t duration_us);

/* Writes the sums over all workers in Prometheus' text format, version 0.0.4. Any thread may call this. */
void metrics_write(Metrics *const *all, size_t count, Buffer *out);

#endif
