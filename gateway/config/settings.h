/*
 * settings: the table. name, type, default, least and greatest value (numbers; of a text the least length if it is
 * given), argument as --help shows it, help.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#define CONFIG_SETTINGS(SETTING)                                                                                       \
	SETTING(listen, ConfigText, "127.0.0.1:8080", 0, 0, "ADDRESSES",                                                   \
			"host:port or unix:/path to serve, comma separated")                                                       \
	SETTING(admin_listen, ConfigText, "", 1, 0, "ADDRESSES",                                                           \
			"serve /health, /ready, /metrics, /openapi.json here alone")                                               \
	SETTING(tls_cert_file, ConfigText, "", 1, 0, "PATH",                                                               \
			"certificate chain in PEM: --listen's TCP addresses speak TLS")                                            \
	SETTING(tls_key_file, ConfigText, "", 1, 0, "PATH", "the certificate's private key in PEM")                        \
	SETTING(jwt_key_file, ConfigText, "", 1, 0, "[KID=]ALGORITHM:PATH,...",                                            \
			"keys that verify bearer tokens: HS256, RS256 or ES256")                                                   \
	SETTING(jwt_issuer, ConfigText, "", 0, 0, "TEXT", "what a token's iss must be; empty: anything")                   \
	SETTING(jwt_audience, ConfigText, "", 0, 0, "TEXT", "what a token's aud must have; empty: anything")               \
	SETTING(verified_phone_claim, ConfigText, "", 0, 0, "NAME",                                                        \
			"claim of tokens that tells a verified phone: who registers gives it by this alone")                       \
	SETTING(insecure, ConfigSwitch, false, 0, 0, NULL, "serve without a key: everyone is the operator")                \
	SETTING(inbox_dir, ConfigText, "", 0, 0, "PATH",                                                                   \
			"serve the operator's page from here under /inbox/; empty: do not")                                        \
	SETTING(cors_origin, ConfigText, "", 0, 0, "ORIGINS", "origins whose pages may call, comma separated, or *")       \
	SETTING(database_url, ConfigText, "", 0, 0, "URL", "connection string; empty: the PG* environment of libpq")       \
	SETTING(read_database_url, ConfigText, "", 0, 0, "URL",                                                            \
			"replicas that answer GET while one is there; they lag behind")                                            \
	SETTING(transaction_pooling, ConfigSwitch, false, 0, 0, NULL,                                                      \
			"a pooler gives each transaction another session: keep nothing in it")                                     \
	SETTING(threads, ConfigNumber, 0, 0, 256, "N", "event loops; 0: one a core")                                       \
	SETTING(read_connections, ConfigNumber, 2, 1, 100, "N", "connections for reading, a thread")                       \
	SETTING(write_connections, ConfigNumber, 0, 0, 100, "N",                                                           \
			"connections for writing, a thread; 0: 16 shared out, 2 at least")                                         \
	SETTING(pipeline_depth, ConfigNumber, 16, 1, 1000, "N", "requests under way on one reading connection")            \
	SETTING(queue_limit, ConfigNumber, 1000, 1, 1000000, "N",                                                          \
			"requests that wait for a connection, a thread; above 503")                                                \
	SETTING(acquire_timeout_ms, ConfigNumber, 2000, 1, 3600000, "MS", "wait for a connection, then 504")               \
	SETTING(statement_timeout_ms, ConfigNumber, 5000, 1, 3600000, "MS",                                                \
			"limit of a statement in PostgreSQL, then 504")                                                            \
	SETTING(request_timeout_ms, ConfigNumber, 10000, 1, 3600000, "MS", "wait for the database in all, then 504")       \
	SETTING(connect_timeout_ms, ConfigNumber, 5000, 1, 3600000, "MS", "for a connection to PostgreSQL")                \
	SETTING(client_timeout_ms, ConfigNumber, 30000, 1, 3600000, "MS", "for a client to send a request, or idle")       \
	SETTING(send_timeout_ms, ConfigNumber, 30000, 1, 3600000, "MS", "for a client to read an answer")                  \
	SETTING(connection_limit, ConfigNumber, 10000, 1, 1000000, "N", "connections of clients in all")                   \
	SETTING(rate_limit, ConfigNumber, 0, 0, 1000000, "N", "requests a second of one user or application; 0: no limit") \
	SETTING(rate_burst, ConfigNumber, 100, 1, 1000000, "N", "requests at once that the rate limit lets pass")          \
	SETTING(body_limit_bytes, ConfigNumber, 1048576, 0, 33554432, "BYTES", "of the body of a request, above 413")      \
	SETTING(in_flight_limit_bytes, ConfigNumber, 67108864, 1048576, 1099511627776, "BYTES",                            \
			"of requests and answers that a thread holds for clients; above, who holds most is cut off")               \
	SETTING(target_limit_bytes, ConfigNumber, 32768, 64, 262144, "BYTES", "of a path with its query, above 414")       \
	SETTING(stream_limit, ConfigNumber, 16, 1, 1000000, "N", "streams of one user at once, above 429")                 \
	SETTING(stream_heartbeat_ms, ConfigNumber, 25000, 100, 3600000, "MS", "a stream is never silent for longer")       \
	SETTING(stream_age_ms, ConfigNumber, 3600000, 1000, 86400000, "MS", "a stream ends then, give or take 10 %")       \
	SETTING(drain_timeout_ms, ConfigNumber, 10000, 0, 3600000, "MS", "to finish what is under way at SIGTERM")         \
	SETTING(log_requests, ConfigSwitch, true, 0, 0, NULL, "one line a request on standard error")

#endif
