/*
 * settings: the table. The columns are name, type, default, minimum and maximum (of a number; the minimum of a text is
 * its length if it is given), the argument as --help shows it, and the help.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#define CONFIG_SETTINGS(SETTING)                                                                                       \
	SETTING(listen, ConfigText, "127.0.0.1:8080", 0, 0, "ADDRESSES",                                                   \
			"addresses to serve: host:port or unix:/path, comma separated")                                            \
	SETTING(admin_listen, ConfigText, "", 1, 0, "ADDRESSES",                                                           \
			"serve /health, /ready, /metrics, /openapi.json only here")                                                \
	SETTING(tls_cert_file, ConfigText, "", 1, 0, "PATH",                                                               \
			"certificate chain in PEM; turns on TLS for --listen's TCP addresses")                                     \
	SETTING(tls_key_file, ConfigText, "", 1, 0, "PATH", "the certificate's private key in PEM")                        \
	SETTING(jwt_key_file, ConfigText, "", 1, 0, "[KID=]ALGORITHM:PATH,...",                                            \
			"keys that verify bearer tokens: HS256, RS256 or ES256")                                                   \
	SETTING(jwt_issuer, ConfigText, "", 0, 0, "TEXT", "required iss of tokens; empty: any")                            \
	SETTING(jwt_audience, ConfigText, "", 0, 0, "TEXT", "required aud of tokens; empty: any")                          \
	SETTING(verified_phone_claim, ConfigText, "", 0, 0, "NAME",                                                        \
			"claim of tokens with a verified phone; users then register with this phone only")                         \
	SETTING(insecure, ConfigSwitch, false, 0, 0, NULL, "serve without a key: everyone is the operator")                \
	SETTING(inbox_dir, ConfigText, "", 0, 0, "PATH",                                                                   \
			"serve the operator's page from this directory under /inbox/; empty: do not")                              \
	SETTING(cors_origin, ConfigText, "", 0, 0, "ORIGINS",                                                              \
			"origins whose pages may call the API, comma separated, or *")                                             \
	SETTING(database_url, ConfigText, "", 0, 0, "URL", "connection string; empty: the PG* environment of libpq")       \
	SETTING(read_database_url, ConfigText, "", 0, 0, "URL",                                                            \
			"replicas for GET requests while one is available; they lag behind")                                       \
	SETTING(transaction_pooling, ConfigSwitch, false, 0, 0, NULL,                                                      \
			"a pooler may give each transaction another session: keep no state in it")                                 \
	SETTING(threads, ConfigNumber, 0, 0, 256, "N", "event loops; 0: one per core")                                     \
	SETTING(read_connections, ConfigNumber, 2, 1, 100, "N", "connections for reading, per thread")                     \
	SETTING(write_connections, ConfigNumber, 0, 0, 100, "N",                                                           \
			"connections for writing, per thread; 0: 16 divided among the threads, at least 2")                        \
	SETTING(pipeline_depth, ConfigNumber, 16, 1, 1000, "N", "requests in progress on one reading connection")          \
	SETTING(queue_limit, ConfigNumber, 1000, 1, 1000000, "N",                                                          \
			"requests waiting for a connection, per thread; beyond that 503")                                          \
	SETTING(acquire_timeout_ms, ConfigNumber, 2000, 1, 3600000, "MS", "wait for a connection, then 504")               \
	SETTING(statement_timeout_ms, ConfigNumber, 5000, 1, 3600000, "MS",                                                \
			"limit of a statement in PostgreSQL, then 504")                                                            \
	SETTING(request_timeout_ms, ConfigNumber, 10000, 1, 3600000, "MS", "total wait for the database, then 504")        \
	SETTING(connect_timeout_ms, ConfigNumber, 5000, 1, 3600000, "MS", "wait for a connection to PostgreSQL")           \
	SETTING(client_timeout_ms, ConfigNumber, 30000, 1, 3600000, "MS",                                                  \
			"time for a client to send a request, or to be idle")                                                      \
	SETTING(send_timeout_ms, ConfigNumber, 30000, 1, 3600000, "MS", "time for a client to read 64 kB of a response")   \
	SETTING(connection_limit, ConfigNumber, 10000, 1, 1000000, "N", "total connections of clients")                    \
	SETTING(rate_limit, ConfigNumber, 0, 0, 1000000, "N",                                                              \
			"requests per second of one user or application; 0: no limit")                                             \
	SETTING(rate_burst, ConfigNumber, 100, 1, 1000000, "N", "requests at once that the rate limit allows")             \
	SETTING(body_limit_bytes, ConfigNumber, 1048576, 0, 33554432, "BYTES", "size of a request body; beyond that 413")  \
	SETTING(in_flight_limit_bytes, ConfigNumber, 67108864, 1048576, 1099511627776, "BYTES",                            \
			"requests and responses that a thread holds; beyond that, the client with most is disconnected")           \
	SETTING(target_limit_bytes, ConfigNumber, 32768, 64, 262144, "BYTES",                                              \
			"length of a path with its query; beyond that 414")                                                        \
	SETTING(stream_limit, ConfigNumber, 16, 1, 1000000, "N", "streams of one user at once; beyond that 429")           \
	SETTING(stream_heartbeat_ms, ConfigNumber, 25000, 100, 3600000, "MS", "longest silence of a stream")               \
	SETTING(stream_age_ms, ConfigNumber, 3600000, 1000, 86400000, "MS",                                                \
			"a stream ends after this time, give or take 10 %")                                                        \
	SETTING(drain_timeout_ms, ConfigNumber, 10000, 0, 3600000, "MS", "time to finish requests in progress at SIGTERM") \
	SETTING(log_requests, ConfigSwitch, true, 0, 0, NULL, "one line per request on standard error")

#endif
