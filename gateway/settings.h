/*
 * settings: the table. name, type, default, least and greatest value (numbers), argument as --help shows it, help.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#define CONFIG_SETTINGS(SETTING)                                                                                       \
	SETTING(listen, ConfigText, "127.0.0.1:8080", 0, 0, "ADDRESS", "host:port to serve, comma separated")              \
	SETTING(insecure, ConfigSwitch, false, 0, 0, NULL, "listen beyond loopback though no key is set")                  \
	SETTING(database_url, ConfigText, "", 0, 0, "URL", "connection string; empty: libpq's PG* environment")            \
	SETTING(threads, ConfigNumber, 0, 0, 256, "N", "event loops; 0: one a core")                                       \
	SETTING(read_connections, ConfigNumber, 2, 1, 100, "N", "connections for reading, a thread")                       \
	SETTING(write_connections, ConfigNumber, 4, 1, 100, "N", "connections for writing, a thread")                      \
	SETTING(pipeline_depth, ConfigNumber, 16, 1, 1000, "N", "requests under way on one reading connection")            \
	SETTING(queue_limit, ConfigNumber, 1000, 1, 1000000, "N", "requests that wait for a connection, a thread")         \
	SETTING(acquire_timeout_ms, ConfigNumber, 2000, 1, 3600000, "MS", "wait for a connection, then 504")               \
	SETTING(statement_timeout_ms, ConfigNumber, 5000, 1, 3600000, "MS", "PostgreSQL's limit of a statement, then 504") \
	SETTING(request_timeout_ms, ConfigNumber, 10000, 1, 3600000, "MS", "the whole of a request, then 504")             \
	SETTING(connect_timeout_ms, ConfigNumber, 5000, 1, 3600000, "MS", "for a connection to PostgreSQL")                \
	SETTING(client_timeout_ms, ConfigNumber, 30000, 1, 3600000, "MS", "for a client to send a request, or idle")       \
	SETTING(body_limit_bytes, ConfigNumber, 1048576, 0, 33554432, "BYTES", "of a request's body, above 413")           \
	SETTING(target_limit_bytes, ConfigNumber, 32768, 64, 262144, "BYTES", "of a path with its query, above 414")       \
	SETTING(drain_timeout_ms, ConfigNumber, 10000, 0, 3600000, "MS", "to finish what is under way at SIGTERM")         \
	SETTING(log_requests, ConfigSwitch, true, 0, 0, NULL, "one line a request on standard error")

#endif
