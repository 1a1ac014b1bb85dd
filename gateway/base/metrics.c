/*
 * metrics: relaxed atomics, one set per worker. The counters of a route are created when it is first requested.
 */
#include "base/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum
{
	SERIES_MAX = 1024,
	LABELS_MAX = 256
};

static const double bounds[] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 };
static const int statuses[] = { 200, 201, 204, 304, 400, 401, 403, 404, 405, 408, 409, 410,
								413, 414, 415, 417, 422, 429, 431, 499, 500, 503, 504, 0 };

enum
{
	BOUND_COUNT = sizeof(bounds) / sizeof(bounds[0]),
	STATUS_COUNT = sizeof(statuses) / sizeof(statuses[0])
};

typedef struct Series
{
	atomic_ullong by_status[STATUS_COUNT];
	atomic_ullong by_duration[BOUND_COUNT + 1];
	atomic_ullong duration_us;
} Series;

/* The same, summed over all workers. */
typedef struct SeriesSum
{
	uintmax_t by_status[STATUS_COUNT];
	uintmax_t by_duration[BOUND_COUNT + 1];
	uintmax_t duration_us;
} SeriesSum;

struct Metrics
{
	_Atomic(Series *) series[SERIES_MAX];
	atomic_ullong pools[METRICS_POOL_COUNT][POOL_METRIC_COUNT];
	atomic_ullong numbers[METRICS_NUMBER_COUNT];
	atomic_ullong stream_ends[METRICS_STREAM_END_COUNT];
	atomic_ullong stream_latency[BOUND_COUNT + 1];
	atomic_ullong stream_latency_us;
};

/* The names of the series, in the order in which they were created. They are never removed. */
static struct
{
	pthread_mutex_t mutex;
	atomic_uint count;
	char labels[SERIES_MAX][LABELS_MAX];
} names = { .mutex = PTHREAD_MUTEX_INITIALIZER, .count = 1, .labels = { "method=\"\",route=\"\"" } };

unsigned
metrics_series(const char *method, const char *path)
{
	char labels[LABELS_MAX];
	unsigned place;

	if (snprintf(labels, sizeof(labels), "method=\"%s\",route=\"%s\"", method, path) >= LABELS_MAX)
		return 0;
	pthread_mutex_lock(&names.mutex);
	for (place = 0; place < names.count && strcmp(names.labels[place], labels) != 0; place++)
		;
	if (place == SERIES_MAX)
		place = 0;
	else if (place == names.count)
	{
		memcpy(names.labels[place], labels, sizeof(labels));
		names.count++;
	}
	pthread_mutex_unlock(&names.mutex);
	return place;
}

Metrics *
metrics_create(void)
{
	return calloc(1, sizeof(Metrics));
}

void
metrics_dispose(Metrics *metrics)
{
	for (size_t i = 0; metrics != NULL && i < SERIES_MAX; i++)
		free(metrics->series[i]);
	free(metrics);
}

static void
counter_add(atomic_ullong *counter, uint64_t amount)
{
	atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static size_t
bound_find(uint64_t duration_us)
{
	size_t bound = 0;

	while (bound < BOUND_COUNT && (double) duration_us > bounds[bound] * 1e6)
		bound++;
	return bound;
}

void
metrics_count_request(Metrics *metrics, unsigned place, int status, uint64_t duration_us)
{
	Series *series = atomic_load_explicit(&metrics->series[place], memory_order_relaxed);
	size_t status_place = 0;

	if (series == NULL)
	{
		series = calloc(1, sizeof(*series));
		atomic_store_explicit(&metrics->series[place], series, memory_order_release);
	}
	while (status_place < STATUS_COUNT - 1 && statuses[status_place] != status)
		status_place++;
	counter_add(&series->by_status[status_place], 1);
	counter_add(&series->by_duration[bound_find(duration_us)], 1);
	counter_add(&series->duration_us, duration_us);
}

void
metrics_set_pool(Metrics *metrics, MetricsPool pool, const uint64_t values[POOL_METRIC_COUNT])
{
	for (size_t i = 0; i < POOL_METRIC_COUNT; i++)
		atomic_store_explicit(&metrics->pools[pool][i], values[i], memory_order_relaxed);
}

void
metrics_set(Metrics *metrics, MetricsNumber gauge, uint64_t value)
{
	atomic_store_explicit(&metrics->numbers[gauge], value, memory_order_relaxed);
}

void
metrics_count(Metrics *metrics, MetricsNumber counter)
{
	counter_add(&metrics->numbers[counter], 1);
}

const char *
metrics_stream_end_name(MetricsStreamEnd end)
{
	static const char *const names_of_ends[METRICS_STREAM_END_COUNT] = { "open", "token",  "drain", "age",
																		 "gone", "client", "slow" };

	return names_of_ends[end];
}

void
metrics_count_stream_end(Metrics *metrics, MetricsStreamEnd end)
{
	counter_add(&metrics->stream_ends[end], 1);
}

void
metrics_count_stream_latency(Metrics *metrics, uint64_t duration_us)
{
	counter_add(&metrics->stream_latency[bound_find(duration_us)], 1);
	counter_add(&metrics->stream_latency_us, duration_us);
}

/* ----- reading ----- */

/* Returns the sum over all workers of the counter at this offset in their metrics. */
static uintmax_t
counter_sum(Metrics *const *all, size_t count, size_t offset)
{
	uintmax_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += atomic_load_explicit((atomic_ullong *) ((char *) all[i] + offset), memory_order_relaxed);
	return sum;
}

static void
head_write(Buffer *out, const char *name, const char *type, const char *help)
{
	buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Writes the lines of one histogram. `labels` are its own labels, "" if there are none. */
static void
histogram_write(Buffer *out, const char *name, const char *labels, const uintmax_t by_duration[BOUND_COUNT + 1],
				uintmax_t duration_us)
{
	const char *comma = labels[0] == '\0' ? "" : ",";
	const char *open = labels[0] == '\0' ? "" : "{";
	const char *close = labels[0] == '\0' ? "" : "}";
	uintmax_t total = 0;

	for (size_t i = 0; i < BOUND_COUNT; i++)
	{
		total += by_duration[i];
		buffer_printf(out, "%s_bucket{%s%sle=\"%g\"} %ju\n", name, labels, comma, bounds[i], total);
	}
	total += by_duration[BOUND_COUNT];
	buffer_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %ju\n", name, labels, comma, total);
	buffer_printf(out, "%s_sum%s%s%s %.6f\n", name, open, labels, close, (double) duration_us / 1e6);
	buffer_printf(out, "%s_count%s%s%s %ju\n", name, open, labels, close, total);
}

/* Sums one series over all workers. Returns false if nobody has counted anything in it. */
static bool
series_sum(Metrics *const *all, size_t count, size_t place, SeriesSum *sum)
{
	bool any = false;

	*sum = (SeriesSum){ 0 };
	for (size_t i = 0; i < count; i++)
	{
		const Series *series = atomic_load_explicit(&all[i]->series[place], memory_order_acquire);

		if (series == NULL)
			continue;
		any = true;
		for (size_t j = 0; j < STATUS_COUNT; j++)
			sum->by_status[j] += atomic_load_explicit(&series->by_status[j], memory_order_relaxed);
		for (size_t j = 0; j <= BOUND_COUNT; j++)
			sum->by_duration[j] += atomic_load_explicit(&series->by_duration[j], memory_order_relaxed);
		sum->duration_us += atomic_load_explicit(&series->duration_us, memory_order_relaxed);
	}
	return any;
}

static void
requests_write(Metrics *const *all, size_t count, Buffer *out)
{
	static const char durations[] = "parley_http_request_duration_seconds";
	SeriesSum sum;

	head_write(out, "parley_http_requests_total", "counter", "Requests by status; 0 is any other status.");
	for (size_t place = 0; place < names.count; place++)
	{
		if (!series_sum(all, count, place, &sum))
			continue;
		for (size_t i = 0; i < STATUS_COUNT; i++)
			if (sum.by_status[i] > 0)
				buffer_printf(out, "parley_http_requests_total{%s,status=\"%d\"} %ju\n", names.labels[place],
							  statuses[i], sum.by_status[i]);
	}
	head_write(out, durations, "histogram", "Time from the arrival of a request to the end of its response.");
	for (size_t place = 0; place < names.count; place++)
		if (series_sum(all, count, place, &sum))
			histogram_write(out, durations, names.labels[place], sum.by_duration, sum.duration_us);
}

static void
streams_write(Metrics *const *all, size_t count, Buffer *out)
{
	static const char latency[] = "parley_stream_delivery_seconds";
	uintmax_t by_duration[BOUND_COUNT + 1];

	head_write(out, "parley_streams_closed_total", "counter", "Streams that ended, by reason.");
	for (int end = METRICS_STREAM_TOKEN; end < METRICS_STREAM_END_COUNT; end++)
		buffer_printf(out, "parley_streams_closed_total{reason=\"%s\"} %ju\n",
					  metrics_stream_end_name((MetricsStreamEnd) end),
					  counter_sum(all, count, offsetof(Metrics, stream_ends[end])));
	for (size_t i = 0; i <= BOUND_COUNT; i++)
		by_duration[i] = counter_sum(all, count, offsetof(Metrics, stream_latency[i]));
	head_write(out, latency, "histogram", "Time from the commit that woke a stream to the end of its event.");
	histogram_write(out, latency, "", by_duration, counter_sum(all, count, offsetof(Metrics, stream_latency_us)));
}

static void
numbers_write(Metrics *const *all, size_t count, Buffer *out)
{
	static const char *const numbers[METRICS_NUMBER_COUNT][2] = {
		[METRICS_CLIENTS] = { "http_connections", "Connections of clients." },
		[METRICS_STREAMS] = { "streams", "Open streams." },
		[METRICS_CLIENTS_REFUSED] = { "http_connections_refused_total", "Connections refused because of the limit." },
		[METRICS_STREAMS_OPENED] = { "streams_opened_total", "Streams opened." },
		[METRICS_STREAM_EVENTS] = { "stream_events_total", "Events written to streams." },
		[METRICS_STREAM_HEARTBEATS] = { "stream_heartbeats_total", "Heartbeats written to streams." },
		[METRICS_STREAM_SYNCS_NEW] = { "stream_syncs_new_total", "Syncs for a stream that found something." },
		[METRICS_STREAM_SYNCS_IDLE] = { "stream_syncs_idle_total", "Syncs for a stream that found nothing." },
		[METRICS_STREAM_WAKEUPS] = { "stream_wakeups_total", "Times that a stream was woken." },
		[METRICS_STREAM_FOUND_LATE] = { "stream_found_late_total", "Syncs that found something for which nobody "
																   "woke the stream; must stay 0." }
	};

	for (size_t i = 0; i < METRICS_NUMBER_COUNT; i++)
	{
		char name[64];

		snprintf(name, sizeof(name), "parley_%s", numbers[i][0]);
		head_write(out, name, i < METRICS_CLIENTS_REFUSED ? "gauge" : "counter", numbers[i][1]);
		buffer_printf(out, "%s %ju\n", name, counter_sum(all, count, offsetof(Metrics, numbers[i])));
	}
	head_write(out, "parley_log_lines_dropped_total", "counter", "Log lines dropped because the reader was too slow.");
	buffer_printf(out, "parley_log_lines_dropped_total %ju\n", (uintmax_t) log_dropped_count());
}

static void
pools_write(Metrics *const *all, size_t count, Buffer *out)
{
	static const char *const pools[METRICS_POOL_COUNT] = { "read", "write", "replica" };
	static const char *const metrics[POOL_METRIC_COUNT][2] = {
		{ "connections", "Configured connections to PostgreSQL." },
		{ "connections_ready", "Ready connections to PostgreSQL." },
		{ "queued", "Requests waiting for a connection." },
		{ "under_way", "Requests in progress in PostgreSQL." },
		{ "connects_total", "Connections made." },
		{ "connect_failures_total", "Attempts to connect that failed." },
		{ "losses_total", "Connections that broke." },
		{ "repeats_total", "Requests retried after their connection broke." },
		{ "queue_full_total", "Requests refused because too many were waiting." },
		{ "acquire_timeouts_total", "Requests that waited too long for a connection." },
		{ "query_timeouts_total", "Requests to which PostgreSQL did not respond in time." },
		{ "not_sent_total", "Requests whose client left while they were waiting." }
	};

	for (size_t metric = 0; metric < POOL_METRIC_COUNT; metric++)
	{
		char name[64];

		snprintf(name, sizeof(name), "parley_database_%s", metrics[metric][0]);
		head_write(out, name, metric < POOL_CONNECTS ? "gauge" : "counter", metrics[metric][1]);
		for (size_t pool = 0; pool < METRICS_POOL_COUNT; pool++)
			buffer_printf(out, "%s{pool=\"%s\"} %ju\n", name, pools[pool],
						  counter_sum(all, count, offsetof(Metrics, pools[pool][metric])));
	}
}

void
metrics_write(Metrics *const *all, size_t count, Buffer *out)
{
	requests_write(all, count, out);
	numbers_write(all, count, out);
	streams_write(all, count, out);
	pools_write(all, count, out);
}
