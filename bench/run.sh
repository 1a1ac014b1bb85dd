#!/usr/bin/env bash
# What `make bench` runs: loads a cluster once and keeps it, serves it with parleyd, and runs the sections. Each is a file
# NN_NAME.sh in sections/ with a function section_NAME. See README.md.
#
#   BENCH            the sections, comma separated (all except populate and pages)
#   BENCH_DIR        where the cluster is kept (.bench)
#   BENCH_CONTACTS, BENCH_MESSAGES, CSV, SEED    the data to load (100000, 5000000, generated texts, 1)
#   BENCH_SECONDS, BENCH_ROUNDS      how long a measurement takes, and how often it is repeated (5, 3)
#   BENCH_PORT       the gateway's port on 127.0.0.1 (18080)
#   BENCH_PGHOST, BENCH_PGPORT, BENCH_PGDATABASE   measure this loaded database instead, as it is
#
# The last line counts the bars that were met; the status is 1 if any was missed. Nothing else should run on the machine
# meanwhile.
set -euo pipefail
export PARLEY_INSECURE=true
. "$(dirname "$0")/../deploy/local/common.sh"
here=$(cd "$(dirname "$0")" && pwd)
bench_dir=$(cd "$root" && readlink -m "${BENCH_DIR:-.bench}")
port=${BENCH_PORT:-18080}
url=http://127.0.0.1:$port
[ -z "${CSV:-}" ] || CSV=$(readlink -f "$CSV") || die "no file $CSV"
populate_options=(--contacts "${BENCH_CONTACTS:-100000}" --messages "${BENCH_MESSAGES:-5000000}" --seed "${SEED:-1}")
[ -z "${CSV:-}" ] || populate_options+=(--csv "$CSV")

tmp=$(mktemp -d /tmp/parley-bench-XXXXXX)
parleyd_pid=
exit_commands=()

# on_exit COMMAND: runs it at the end; the last one runs first
on_exit() {
	exit_commands=("$1" "${exit_commands[@]}")
}

cleanup() {
	local status=$? command
	trap '' INT TERM HUP
	set +e
	for command in "${exit_commands[@]}"; do
		eval "$command"
	done
	rm -rf "$tmp"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

. "$here/lib.sh"

choose_sections() {
	local file name
	declare -gA section_files=()
	sections=()
	for file in "$here"/sections/*.sh; do
		name=$(basename "$file" .sh)
		name=${name#*_}
		section_files[$name]=$file
		case $name in populate | pages) ;; *) sections+=("$name") ;; esac
	done
	if [ -n "${BENCH:-}" ]; then
		read -ra sections <<<"${BENCH//,/ }"
	fi
	for name in "${sections[@]}"; do
		[ -n "${section_files[$name]:-}" ] || die "no section is called $name" "There are: ${!section_files[*]}"
		. "${section_files[$name]}"
	done
}

# A quarter of the memory, as for a dedicated server.
create_cluster() {
	local memory_mb
	memory_mb=$(awk '/^MemTotal/ { print int($2 / 4096) }' /proc/meminfo)
	bash "$root/deploy/local/cluster.sh" create "$bench_dir"
	printf '%s\n' '' '# for the benchmarks' "shared_buffers = $((memory_mb < 4096 ? memory_mb : 4096))MB" 'max_wal_size = 8GB' |
		as_owner tee -a "$bench_dir/cluster/data/postgresql.conf" >/dev/null
}

# Loads the data again if other data is asked for, or if the extension is not the one that it was loaded with.
load_once() {
	local loaded_with
	loaded_with=$(cat "$root"/extension/parley--?.?.sql "$here/../Makefile" | sha256sum)
	if [ "$(cat "$bench_dir/loaded_with" 2>/dev/null)" != "$loaded_with" ]; then
		rm -f "$bench_dir/loaded_with"
		query -d postgres -c "DROP DATABASE IF EXISTS parley"
		bash "$root/deploy/local/cluster.sh" database "$bench_dir" parley
	fi
	PGDATABASE=parley "$here/populate" "${populate_options[@]}"
	echo "$loaded_with" >"$bench_dir/loaded_with"
}

own_cluster() {
	mkdir -p "$bench_dir"
	exec 9>"$bench_dir/lock"
	flock -n 9 || die "another make bench is using $bench_dir" "Wait for it, or set BENCH_DIR."
	[ -e "$bench_dir/cluster/data/PG_VERSION" ] || create_cluster
	on_exit "bash '$root/deploy/local/cluster.sh' stop '$bench_dir'"
	bash "$root/deploy/local/cluster.sh" start "$bench_dir"
	PGHOST=$(bash "$root/deploy/local/cluster.sh" socket "$bench_dir")
	export PGHOST PGPORT=5432 PGDATABASE=parley PGUSER=postgres
}

start_gateway() {
	PGUSER=parley_gateway "$root/gateway/parleyd" --listen "127.0.0.1:$port" --log-requests=false --statement-timeout-ms 600000 \
		--request-timeout-ms 600000 2>"$tmp/parleyd.log" 9>&- &
	parleyd_pid=$!
	on_exit "kill $parleyd_pid 2>/dev/null; wait $parleyd_pid"
	curl -sf --retry 20 --retry-all-errors --retry-max-time 30 -o /dev/null "$url/ready" ||
		die "parleyd does not serve $url" "$(tail -n 5 "$tmp/parleyd.log")"
}

# Loads everything that fits into memory, so that both sides start out warm.
warm() {
	query -c "CREATE EXTENSION IF NOT EXISTS pg_prewarm" \
		-c "SELECT sum(pg_prewarm(c.oid)) FROM pg_class c WHERE relnamespace::regnamespace::text IN ('parley', 'peer') AND relkind IN ('r', 'i')" >/dev/null
}

choose_sections
bash "$root/deploy/local/packages.sh" wrk
bash "$root/deploy/local/install.sh"
build -C gateway
build -C bench
bin=$("$PG_CONFIG" --bindir)
if [ -n "${BENCH_PGHOST:-}" ]; then
	export PGHOST=$BENCH_PGHOST PGPORT=${BENCH_PGPORT:-5432} PGDATABASE=${BENCH_PGDATABASE:-parley} PGUSER=postgres
else
	own_cluster
fi
messages=${BENCH_MESSAGES:-5000000}
# These create their own databases and do not use the gateway.
if [ "${sections[*]}" != populate ] && [ "${sections[*]}" != standby ]; then
	[ -n "${BENCH_PGHOST:-}" ] || load_once
	messages=$(query -c "SELECT sum(last_number) FROM parley.conversations")
	start_gateway
	warm
fi

# A load other than zero comes from something else, and affects the figures.
printf 'parley on %s, %s processors, load %s; %s messages; %s s a measurement, %s rounds\n' \
	"$(query -d postgres -c 'SHOW server_version')" "$(nproc)" "$(cut -d ' ' -f 1 /proc/loadavg)" "$messages" "$seconds" "$rounds"
for section in "${sections[@]}"; do
	"section_$section"
done
printf '\n%d bars met, %d not met\n' "$bars_met" "$bars_missed"
[ "$bars_missed" -eq 0 ]
