#!/bin/bash
# The database's entry point. If the volume is empty, it first creates a cluster with parley installed.
#
#   PARLEY_DATABASE_PASSWORD   the password of role parley_gateway, for a new cluster
#   PGPORT                     5432
set -euo pipefail

volume=/var/lib/postgresql/parley
bin=$(echo /usr/lib/postgresql/*/bin)

# Created under another name, so that an unfinished cluster is not mistaken for a finished one.
create_cluster() {
	local new=$volume/new
	: "${PARLEY_DATABASE_PASSWORD:?is not set: it becomes the password of role parley_gateway}"
	rm -rf "$new"
	"$bin/initdb" --pgdata="$new" --username=postgres --auth-local=peer --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 \
		--no-instructions
	cat >>"$new/postgresql.conf" <<-'CONF'

		listen_addresses = '*'
		max_connections = 200
		shared_preload_libraries = 'parley'
	CONF
	echo "host parley parley_gateway all scram-sha-256" >>"$new/pg_hba.conf"
	"$bin/pg_ctl" start --silent --wait --pgdata="$new" --options="-c listen_addresses=''" >/dev/null
	createdb --host=/var/run/postgresql parley
	psql -X -q -v ON_ERROR_STOP=1 --host=/var/run/postgresql -d parley <<-'SQL'
		\set password `printf %s "$PARLEY_DATABASE_PASSWORD"`
		SET client_min_messages = warning;
		CREATE EXTENSION parley CASCADE;
		-- Keep the password and its hash out of the log.
		SET log_statement = none;
		ALTER ROLE parley_gateway LOGIN PASSWORD :'password';
	SQL
	"$bin/pg_ctl" stop --silent --wait --mode=fast --pgdata="$new"
	mv "$new" "$volume/data"
}

[ -e "$volume/data" ] || create_cluster
unset PARLEY_DATABASE_PASSWORD
exec "$bin/postgres" -D "$volume/data"
