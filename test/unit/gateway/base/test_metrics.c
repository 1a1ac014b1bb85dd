/* metrics: the counts of all workers are added up, and buckets are cumulative, as in Prometheus. */
#include "base/metrics.h"

#include <string.h>

#include "gateway_unit.h"

static void
expect_line(Buffer *out, const char *line)
{
	ck_assert_msg(strstr(buffer_text(out), line) != NULL, "missing: %s in\n%s", line, buffer_text(out));
}

START_TEST(workers_are_summed_by_route_and_status)
{
	Metrics *all[] = { metrics_create(), metrics_create() };
	unsigned series = metrics_series("GET", "/a/{b}");
	Buffer out = { 0 };

	ck_assert_uint_eq(metrics_series("GET", "/a/{b}"), series);
	ck_assert_uint_ne(metrics_series("PUT", "/a/{b}"), series);
	metrics_count_request(all[0], series, 200, 400);
	metrics_count_request(all[1], series, 200, 3000);
	metrics_count_request(all[1], series, 418, 99000000);
	metrics_count_request(all[1], 0, 404, 1);
	metrics_write(all, 2, &out);
	expect_line(&out, "\nparley_http_requests_total{method=\"GET\",route=\"/a/{b}\",status=\"200\"} 2\n");
	expect_line(&out, "\nparley_http_requests_total{method=\"GET\",route=\"/a/{b}\",status=\"0\"} 1\n");
	expect_line(&out, "\nparley_http_requests_total{method=\"\",route=\"\",status=\"404\"} 1\n");
	expect_line(&out, "_bucket{method=\"GET\",route=\"/a/{b}\",le=\"0.0005\"} 1\n");
	expect_line(&out, "_bucket{method=\"GET\",route=\"/a/{b}\",le=\"0.0025\"} 1\n");
	expect_line(&out, "_bucket{method=\"GET\",route=\"/a/{b}\",le=\"0.005\"} 2\n");
	expect_line(&out, "_bucket{method=\"GET\",route=\"/a/{b}\",le=\"10\"} 2\n");
	expect_line(&out, "_bucket{method=\"GET\",route=\"/a/{b}\",le=\"+Inf\"} 3\n");
	expect_line(&out, "_count{method=\"GET\",route=\"/a/{b}\"} 3\n");
	expect_line(&out, "_sum{method=\"GET\",route=\"/a/{b}\"} 99.003400\n");
	ck_assert_ptr_null(strstr(buffer_text(&out), "method=\"PUT\""));
	buffer_dispose(&out);
	metrics_dispose(all[0]);
	metrics_dispose(all[1]);
}
END_TEST

START_TEST(pools_and_clients_are_gauges)
{
	Metrics *all[] = { metrics_create(), metrics_create() };
	const uint64_t values[POOL_METRIC_COUNT] = { [POOL_CONNECTIONS] = 4, [POOL_LOSSES] = 7 };
	Buffer out = { 0 };

	metrics_set_pool(all[0], METRICS_WRITE, values);
	metrics_set_pool(all[1], METRICS_WRITE, values);
	metrics_set(all[0], METRICS_CLIENTS, 3);
	metrics_count(all[1], METRICS_CLIENTS_REFUSED);
	metrics_write(all, 2, &out);
	expect_line(&out, "\n# TYPE parley_database_connections gauge\n");
	expect_line(&out, "\nparley_database_connections{pool=\"write\"} 8\n");
	expect_line(&out, "\n# TYPE parley_database_losses_total counter\n");
	expect_line(&out, "\nparley_database_losses_total{pool=\"write\"} 14\n");
	expect_line(&out, "\nparley_http_connections 3\n");
	expect_line(&out, "\nparley_http_connections_refused_total 1\n");
	buffer_dispose(&out);
	metrics_dispose(all[0]);
	metrics_dispose(all[1]);
}
END_TEST

START_TEST(too_many_routes_share_the_first_series)
{
	char path[32];
	unsigned last = 1;

	for (int i = 0; i < 2000; i++)
	{
		snprintf(path, sizeof(path), "/%d", i);
		last = metrics_series("GET", path);
	}
	ck_assert_uint_eq(last, 0);
	ck_assert_uint_ne(metrics_series("GET", "/1"), 0);
}
END_TEST

RUN_TESTS("metrics", workers_are_summed_by_route_and_status, pools_and_clients_are_gauges,
		  too_many_routes_share_the_first_series)
