/*
 * metrics: relaxed atomics, one set a worker; a route's counts are made when it is first asked for.
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

struct Metrics
{
	_Atomic(Series *) series[SERIES_MAX];
	atomic_ullong pools[METRICS_POOL_COUNT][POOL_METRIC_COUNT];
	atomic_ullong clients;
	atomic_ullong refused_clients;
	atomic_ullong streams;
	atomic_ullong stream_counts[METRICS_STREAM_COUNT];
	atomic_ullong stream_ends[METRICS_STREAM_END_COUNT];
	atomic_ullong stream_latency[BOUND_COUNT + 1];
	atomic_ullong stream_latency_us;
};

/* The names of the series, in the order they were asked for; only ever added to. */
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

static uint64_t
counter_value(atomic_ullong *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static size_t
bound_of(uint64_t duration_us)
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
	counter_add(&series->by_duration[bound_of(duration_us)], 1);
	counter_add(&series->duration_us, duration_us);
}

void
metrics_set_pool(Metrics *metrics, MetricsPool pool, const uint64_t values[POOL_METRIC_COUNT])
{
	for (size_t i = 0; i < POOL_METRIC_COUNT; i++)
		atomic_store_explicit(&metrics->pools[pool][i], values[i], memory_order_relaxed);
}

void
metrics_set_clients(Metrics *metrics, uint64_t count)
{
	atomic_store_explicit(&metrics->clients, count, memory_order_relaxed);
}

void
metrics_count_refused_client(Metrics *metrics)
{
	counter_add(&metrics->refused_clients, 1);
}

const char *
metrics_stream_end_name(MetricsStreamEnd end)
{
	static const char *const end_names[METRICS_STREAM_END_COUNT] = { "open", "token",  "drain", "age",
																	 "gone", "client", "slow" };

	return end_names[end];
}

void
metrics_set_streams(Metrics *metrics, uint64_t count)
{
	atomic_store_explicit(&metrics->streams, count, memory_order_relaxed);
}

void
metrics_count_stream(Metrics *metrics, MetricsStream what)
{
	counter_add(&metrics->stream_counts[what], 1);
}

void
metrics_count_stream_end(Metrics *metrics, MetricsStreamEnd end)
{
	counter_add(&metrics->stream_ends[end], 1);
}

void
metrics_count_stream_latency(Metrics *metrics, uint64_t duration_us)
{
	counter_add(&metrics->stream_latency[bound_of(duration_us)], 1);
	counter_add(&metrics->stream_latency_us, duration_us);
}

/* ----- reading ----- */

/* The sum of one series' counts over the workers; false if none has any. */
static bool
sum_series(Metrics *const *all, size_t count, size_t place, Series *sum)
{
	bool any = false;

	memset(sum, 0, sizeof(*sum));
	for (size_t i = 0; i < count; i++)
	{
		Series *series = atomic_load_explicit(&all[i]->series[place], memory_order_acquire);

		if (series == NULL)
			continue;
		any = true;
		for (size_t j = 0; j < STATUS_COUNT; j++)
			counter_add(&sum->by_status[j], counter_value(&series->by_status[j]));
		for (size_t j = 0; j <= BOUND_COUNT; j++)
			counter_add(&sum->by_duration[j], counter_value(&series->by_duration[j]));
		counter_add(&sum->duration_us, counter_value(&series->duration_us));
	}
	return any;
}

static void
write_head(Buffer *out, const char *name, const char *type, const char *help)
{
	buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
write_requests(Metrics *const *all, size_t count, Buffer *out)
{
	write_head(out, "parley_http_requests_total", "counter", "Requests answered; status 0 is any other.");
	for (size_t place = 0; place < names.count; place++)
	{
		Series sum;

		if (!sum_series(all, count, place, &sum))
			continue;
		for (size_t i = 0; i < STATUS_COUNT; i++)
			if (sum.by_status[i] > 0)
				buffer_printf(out, "parley_http_requests_total{%s,status=\"%d\"} %ju\n", names.labels[place],
							  statuses[i], (uintmax_t) sum.by_status[i]);
	}
}

/* The lines of one histogram; labels are its own, "" for none. */
static void
write_histogram(Buffer *out, const char *name, const char *labels, atomic_ullong *by_duration, uint64_t duration_us)
{
	char braced[LABELS_MAX + 2] = "";
	const char *comma = labels[0] == '\0' ? "" : ",";
	uintmax_t total = 0;

	if (labels[0] != '\0')
		snprintf(braced, sizeof(braced), "{%s}", labels);
	for (size_t i = 0; i < BOUND_COUNT; i++)
	{
		total += counter_value(&by_duration[i]);
		buffer_printf(out, "%s_bucket{%s%sle=\"%g\"} %ju\n", name, labels, comma, bounds[i], total);
	}
	total += counter_value(&by_duration[BOUND_COUNT]);
	buffer_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %ju\n", name, labels, comma, total);
	buffer_printf(out, "%s_sum%s %.6f\n", name, braced, (double) duration_us / 1e6);
	buffer_printf(out, "%s_count%s %ju\n", name, braced, total);
}

static void
write_durations(Metrics *const *all, size_t count, Buffer *out)
{
	static const char name[] = "parley_http_request_duration_seconds";

	write_head(out, name, "histogram", "From the request's arrival to its answer's end.");
	for (size_t place = 0; place < names.count; place++)
	{
		Series sum;

		if (sum_series(all, count, place, &sum))
			write_histogram(out, name, names.labels[place], sum.by_duration, sum.duration_us);
	}
}

static void
write_streams(Metrics *const *all, size_t count, Buffer *out)
{
	static const char *const counters[METRICS_STREAM_COUNT][2] = {
		{ "streams_opened", "Streams opened." },
		{ "stream_events", "Events written to streams." },
		{ "stream_heartbeats", "Heartbeats written to streams." },
		{ "stream_syncs_new", "Syncs for a stream that found something." },
		{ "stream_syncs_idle", "Syncs for a stream that found nothing." },
		{ "stream_wakeups", "Times that a stream was woken." },
		{ "stream_found_late",
		  "Finds of a sync that nobody asked for, and nobody woke the stream for: must stay 0." }
	};
	static const char latency_name[] = "parley_stream_delivery_seconds";
	Metrics *sum = metrics_create();

	for (size_t i = 0; i < count; i++)
	{
		counter_add(&sum->streams, counter_value(&all[i]->streams));
		counter_add(&sum->stream_latency_us, counter_value(&all[i]->stream_latency_us));
		for (size_t j = 0; j < METRICS_STREAM_COUNT; j++)
			counter_add(&sum->stream_counts[j], counter_value(&all[i]->stream_counts[j]));
		for (size_t j = 0; j < METRICS_STREAM_END_COUNT; j++)
			counter_add(&sum->stream_ends[j], counter_value(&all[i]->stream_ends[j]));
		for (size_t j = 0; j <= BOUND_COUNT; j++)
			counter_add(&sum->stream_latency[j], counter_value(&all[i]->stream_latency[j]));
	}
	write_head(out, "parley_streams", "gauge", "Streams that are open.");
	buffer_printf(out, "parley_streams %ju\n", (uintmax_t) sum->streams);
	for (size_t i = 0; i < METRICS_STREAM_COUNT; i++)
	{
		char name[64];

		snprintf(name, sizeof(name), "parley_%s_total", counters[i][0]);
		write_head(out, name, "counter", counters[i][1]);
		buffer_printf(out, "%s %ju\n", name, (uintmax_t) sum->stream_counts[i]);
	}
	write_head(out, "parley_streams_closed_total", "counter", "Streams that ended, by why.");
	for (int end = METRICS_STREAM_TOKEN; end < METRICS_STREAM_END_COUNT; end++)
		buffer_printf(out, "parley_streams_closed_total{reason=\"%s\"} %ju\n",
					  metrics_stream_end_name((MetricsStreamEnd) end), (uintmax_t) sum->stream_ends[end]);
	write_head(out, latency_name, "histogram", "From the commit that woke a stream to its event's end.");
	write_histogram(out, latency_name, "", sum->stream_latency, sum->stream_latency_us);
	metrics_dispose(sum);
}

static void
write_pools(Metrics *const *all, size_t count, Buffer *out)
{
	static const char *const pools[METRICS_POOL_COUNT] = { "read", "write", "replica" };
	static const char *const metrics[POOL_METRIC_COUNT][2] = {
		{ "connections", "Connections to PostgreSQL that there should be." },
		{ "connections_ready", "Connections to PostgreSQL that are ready." },
		{ "queued", "Requests that wait for a connection." },
		{ "under_way", "Requests under way in PostgreSQL." },
		{ "connects_total", "Connections made." },
		{ "connect_failures_total", "Attempts to connect that failed." },
		{ "losses_total", "Connections that broke." },
		{ "repeats_total", "Requests run again after their connection broke." },
		{ "queue_full_total", "Requests refused because too many waited." },
		{ "acquire_timeouts_total", "Requests that waited too long for a connection." },
		{ "query_timeouts_total", "Requests that PostgreSQL did not answer in time." },
		{ "not_sent_total", "Requests whose client left while they waited." }
	};

	for (size_t metric = 0; metric < POOL_METRIC_COUNT; metric++)
	{
		char name[64];

		snprintf(name, sizeof(name), "parley_database_%s", metrics[metric][0]);
		write_head(out, name, metric < POOL_CONNECTS ? "gauge" : "counter", metrics[metric][1]);
		for (size_t pool = 0; pool < METRICS_POOL_COUNT; pool++)
		{
			uintmax_t sum = 0;

			for (size_t i = 0; i < count; i++)
				sum += counter_value(&all[i]->pools[pool][metric]);
			buffer_printf(out, "%s{pool=\"%s\"} %ju\n", name, pools[pool], sum);
		}
	}
}

void
metrics_write(Metrics *const *all, size_t count, Buffer *out)
{
	uintmax_t clients = 0;
	uintmax_t refused = 0;

	for (size_t i = 0; i < count; i++)
	{
		clients += counter_value(&all[i]->clients);
		refused += counter_value(&all[i]->refused_clients);
	}
	write_requests(all, count, out);
	write_durations(all, count, out);
	write_head(out, "parley_http_connections", "gauge", "Connections of clients.");
	buffer_printf(out, "parley_http_connections %ju\n", clients);
	write_head(out, "parley_http_connections_refused_total", "counter", "Connections refused by the limits on them.");
	buffer_printf(out, "parley_http_connections_refused_total %ju\n", refused);
	write_streams(all, count, out);
	write_head(out, "parley_log_lines_dropped_total", "counter", "Lines of the log that its reader was too slow for.");
	buffer_printf(out, "parley_log_lines_dropped_total %ju\n", (uintmax_t) log_dropped_count());
	write_pools(all, count, out);
}
