#!/usr/bin/env bash
# What `make test` runs, on a throw-away cluster: suites, each of which is a function suite_NAME. Its output is shown if it fails.
# TESTS=regress,e2e runs only those suites, TESTS=plain all but those under sanitizers and valgrind. The last line is N passed, N
# failed; before it, each test that failed has a line.
#
# Tests have these environment variables: PGHOST, PGPORT, PGDATABASE=parley, PGUSER=postgres (the superuser), PARLEY_URL, PARLEYD
# (the gateway's program) and PARLEY_RUN_DIR, for deploy/local/cluster.sh start and stop.
set -euo pipefail
. "$(dirname "$0")/../deploy/local/common.sh"
cd "$root"
[ $# -eq 0 ] || die "test/run.sh takes no arguments" "TESTS=regress,e2e selects suites."

suites=(graph build unit regress isolation lifecycle hostile e2e http security fault shards page interface asan valgrind log)
# how the tests of each suite are counted
declare -A count=([graph]=node [build]=tap [unit]=check [regress]=regress [isolation]=regress [lifecycle]=node [hostile]=node [e2e]=node [http]=node [security]=node [fault]=node [shards]=node
	[page]=node [interface]=node [asan]=asan [valgrind]=valgrind [log]=tap)

if [ -n "${TESTS:-}" ]; then
	all=${suites[*]}
	chosen=${TESTS/plain/${all/asan valgrind/}}
	read -ra chosen <<<"${chosen//,/ }"
	for suite in "${chosen[@]}"; do
		[ -n "${count[$suite]:-}" ] || die "no suite is called $suite" "There are: ${suites[*]}"
	done
	suites=("${chosen[@]}")
fi

# Gateways wait longer for the database: tests that are not about these bounds must not fail because the machine or its disk was busy for
# some seconds.
export PARLEY_ACQUIRE_TIMEOUT_MS=60000 PARLEY_STATEMENT_TIMEOUT_MS=60000 PARLEY_REQUEST_TIMEOUT_MS=120000
# check's limit of 4 s per test, and pg_ctl's of a minute, are too short for a busy machine or a sanitizer.
export CK_TIMEOUT_MULTIPLIER=20 PGCTLTIMEOUT=600
# Only processes are lost here, so nothing needs to wait for a disk.
export FSYNC=off

passed=0
failed=0
failed_suites=()
suite_pid=
tmp=$(mktemp -d /tmp/parley-test-XXXXXX)
chmod 755 "$tmp"
mkdir "$tmp/log"

cleanup() {
	local status=$?
	trap '' INT TERM HUP PIPE
	set +e
	[ -z "$suite_pid" ] || end "$suite_pid" "-$suite_pid"
	bash deploy/local/cluster.sh remove "$tmp"
	rm -rf "$tmp"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
trap 'exit 141' PIPE

# The counters read a runner's output and print how many tests passed and failed.
# pg_regress writes TAP since PostgreSQL 16.
count_regress() {
	awk '/ \.\.\. ok |^ok /{ p++ } / \.\.\. FAILED |^not ok /{ f++ } END { print p + 0, f + 0 }'
}

count_check() {
	sed -nE 's/^[0-9]+%: Checks: ([0-9]+), Failures: ([0-9]+), Errors: ([0-9]+).*/\1 \2 \3/p' |
		awk '{ p += $1 - $2 - $3; f += $2 + $3 } END { print p + 0, f + 0 }'
}

# A skipped test has not passed.
count_node() {
	awk '$1 == "#" && $2 == "pass" { p += $3 } $1 == "#" && $2 ~ /^(fail|cancelled|skipped|todo)$/ { f += $3 }
		END { print p + 0, f + 0 }'
}

count_tap() {
	awk '/^ok /{ p++ } /^not ok /{ f++ } END { print p + 0, f + 0 }'
}

count_asan() {
	local log
	log=$(cat)
	{ count_check <<<"$log" && count_node <<<"$log"; } | awk '{ p += $1; f += $2 } END { print p, f }'
}

# Adds the results of node and the TAP lines of valgrind_found.
count_valgrind() {
	local log
	log=$(cat)
	{ count_node <<<"$log" && grep valgrind_found <<<"$log" | count_tap; } | awk '{ p += $1; f += $2 } END { print p, f }'
}

# Prints a line for each test that failed, for the end of the output: its name and the beginning of its error.
name_failures() {
	awk -v suite="$1" '
		function show() { if (name != "") print "FAILED " suite ": " substr(name message, 1, 200); name = message = ""; isText = 0 }
		/^ *(not )?ok / || / \.\.\. FAILED / || /^[^ ]+:[0-9]+:[FE]:/ { show() }
		/^ *not ok / { name = $0; sub(/^ *not ok ([0-9]+ +)?-? */, "", name) }
		/ \.\.\. FAILED / || /^[^ ]+:[0-9]+:[FE]:/ { name = $0 }
		name != "" && sub(/^ *error: /, "") { isText = sub(/^\|-$/, ""); message = ": " $0; next }
		/^ *code: / { isText = 0 }
		isText { message = message " " $0; gsub(/ +/, " ", message) }
		END { show() }'
}

run_suite() {
	local log=$tmp/log/$1 status=0 suite_passed suite_failed start=$SECONDS
	set -m
	"suite_$1" </dev/null >"$log" 2>&1 &
	set +m
	suite_pid=$!
	wait "$suite_pid" || status=$?
	suite_pid=
	read -r suite_passed suite_failed < <("count_${count[$1]}" <"$log")
	# A runner that fails without naming a test, or runs no tests, counts as one failure.
	if [ "$suite_failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$suite_passed" -eq 0 ]; }; then
		suite_failed=1
	fi
	if [ "$suite_failed" -gt 0 ]; then
		sed "s/^/$1: /" "$log"
		failed_suites+=("$1")
		name_failures "$1" <"$log" >>"$tmp/failures"
		grep -q "^FAILED $1: " "$tmp/failures" || echo "FAILED $1: $(tail -n 1 "$log" | cut -c 1-160)" >>"$tmp/failures"
	fi
	printf '%-12s %4d passed, %d failed  %3d s\n' "$1" "$suite_passed" "$suite_failed" $((SECONDS - start))
	passed=$((passed + suite_passed)) failed=$((failed + suite_failed))
}

# tap NAME COMMAND…: runs one test
tap() {
	local name=$1
	shift
	if "$@"; then
		echo "ok - $name"
	else
		echo "not ok - $name"
	fi
}

# copy_sources DIR: copies the sources, to build them with other options
copy_sources() {
	mkdir -p "$1/test"
	cp -a Makefile parley.control extension gateway bench "$1"
	cp -a test/unit test/lsan.supp "$1/test"
	build -C "$1" clean
	build -C "$1/gateway" clean
	build -C "$1/bench" clean
}

# The server's headers cause warnings with -Wextra, and its flags are for gcc.
compiles() {
	local source=$tmp/$1
	copy_sources "$source"
	tap "extension_builds_without_warnings_by_$1" build -C "$source" CC="$1" \
		COPT="-isystem $("$PG_CONFIG" --includedir-server) -Wextra -Werror -Wno-missing-field-initializers -Wno-unused-parameter ${*:2}"
	tap "gateway_builds_without_warnings_by_$1" build -C "$source/gateway" CC="$1"
	tap "generator_builds_without_warnings_by_$1" build -C "$source/bench" CC="$1"
}

suite_graph() {
	node_tests graph
}

suite_build() {
	compiles gcc
	compiles clang -Wno-unknown-warning-option -Wno-ignored-optimization-argument
	tap gateway_takes_whatever_bytes_come build -C "$tmp/clang/gateway" fuzz
}

suite_unit() {
	build -C gateway check
	build -C bench check
	build -f extension/unit.mk check
}

# compared TARGETS DIFFS: runs pg_regress or the isolation tester. Autovacuum would change plans, and what VACUUM may remove, at any time.
compared() {
	local status=0
	"$("$PG_CONFIG" --bindir)/psql" -Xqo /dev/null -d postgres -c "ALTER SYSTEM SET autovacuum = off" -c "SELECT pg_reload_conf()"
	build installcheck "$1" || status=$?
	"$("$PG_CONFIG" --bindir)/psql" -Xqo /dev/null -d postgres -c "ALTER SYSTEM RESET autovacuum" -c "SELECT pg_reload_conf()"
	[ "$status" -eq 0 ] || cat "$2"
	return "$status"
}

suite_regress() {
	compared ISOLATION= regression.diffs
}

suite_isolation() {
	compared REGRESS= output_iso/regression.diffs
}

# node_tests DIRECTORY: runs its tests, one file after another, however many processors there are: they share a cluster
node_tests() {
	node --test --test-concurrency=1 --test-reporter=tap "test/$1"/*.test.mjs
}

# gateway_tests DIRECTORY [NAMES]: runs tests that need a gateway, or of these only the files whose names begin so
gateway_tests() {
	local files
	mapfile -t files < <(grep -lE 'support/(client|gateway|http)\.mjs|startGateways' "test/$1/${2:-}"*.test.mjs)
	node --test --test-concurrency=1 --test-reporter=tap "${files[@]}"
}

free_port() {
	local port
	while port=$((20000 + RANDOM % 10000)); (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
	echo "$port"
}

# with_gateway PROGRAM COMMAND…: runs the command with a gateway and a new database. The gateway must exit cleanly when asked to.
with_gateway() {
	local port status=0 tries=0 pid
	"$("$PG_CONFIG" --bindir)/psql" -Xq -d postgres -c "DROP DATABASE IF EXISTS parley WITH (FORCE)"
	bash deploy/local/cluster.sh database "$tmp" parley
	export PARLEYD=$tmp/cluster/parleyd-$BASHPID
	copy_gateway "$1" "$PARLEYD"
	port=$(free_port)
	export PARLEY_URL=http://127.0.0.1:$port
	exec_gateway "$PARLEYD" --insecure --listen "127.0.0.1:$port" >>"$PARLEYD.log" 2>&1 &
	pid=$!
	until curl -fs -o /dev/null "$PARLEY_URL/ready"; do
		kill -0 "$pid" && [ $((tries += 1)) -le 3000 ] || break
		sleep 0.1
	done
	"${@:2}" || status=$?
	kill "$pid"
	wait "$pid" || {
		status=$?
		echo "parleyd ended with status $status"
	}
	[ "$status" -eq 0 ] || sed 's/^/parleyd: /' "$PARLEYD.log"
	return "$status"
}

# The packages of test/package.json. A download may fail.
install_node_modules() {
	local tries
	# Newer packages of Node.js include npm.
	[ -d test/node_modules/playwright-core ] || command -v npm >/dev/null || bash deploy/local/packages.sh npm
	for tries in 1 2 3; do
		[ ! -d test/node_modules/playwright-core ] || return 0
		npm --prefix test ci --no-audit --no-fund || echo "npm ci failed, $tries of 3 times"
	done
}

# The suites install what their tests need, because it may take longer than a test has.
suite_lifecycle() {
	node_tests lifecycle
}

suite_e2e() {
	bash deploy/local/packages.sh wrk
	install_node_modules
	with_gateway gateway/parleyd node_tests e2e
}

suite_http() {
	with_gateway gateway/parleyd node_tests http
}

suite_security() {
	with_gateway gateway/parleyd node_tests security
}

suite_fault() {
	bash deploy/local/packages.sh iproute2 pg-auto-failover-cli "postgresql-$postgres_major-auto-failover"
	with_gateway gateway/parleyd node_tests fault
}

suite_shards() {
	bash deploy/local/packages.sh iproute2 pg-auto-failover-cli "postgresql-$postgres_major-auto-failover" "postgresql-$postgres_major-plproxy"
	with_gateway gateway/parleyd node_tests shards
}

suite_page() {
	bash deploy/local/packages.sh chromium fonts-noto-color-emoji fonts-wqy-zenhei
	install_node_modules
	with_gateway gateway/parleyd node_tests page
}

suite_hostile() {
	node_tests hostile
}

suite_interface() {
	bash deploy/local/packages.sh gdb pg-auto-failover-cli "postgresql-$postgres_major-auto-failover" "postgresql-$postgres_major-plproxy"
	node_tests interface
}

# The unit tests and the end-to-end tests with sanitizers.
suite_asan() {
	local source=$tmp/asan status=0
	install_node_modules
	copy_sources "$source"
	export CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined"
	export LDFLAGS="-fsanitize=address,undefined"
	export LSAN_OPTIONS="suppressions=$source/test/lsan.supp:print_suppressions=0"
	build -C "$source/gateway" all check
	build -C "$source/bench" check
	with_gateway "$source/gateway/parleyd" gateway_tests e2e || status=$?
	with_gateway "$source/gateway/parleyd" node_tests http || status=$?
	return "$status"
}

# Runs every gateway of the end-to-end tests, and of the fault tests that are about gateways, under valgrind, which detects
# uninitialized memory; the sanitizers do not. Each process writes a report. A process that a test killed does not report leaks.
suite_valgrind() {
	local reports=$tmp/valgrind watched=$tmp/parleyd-watched status=0
	install_node_modules
	# Not named by process: a later one of another user may have the same number.
	mkdir -m 1777 "$reports"
	cp test/valgrind.supp "$tmp"
	cp gateway/parleyd "$tmp/parleyd"
	cat >"$watched" <<-SH
		#!/bin/sh
		exec valgrind --quiet --vgdb=no --log-file=\$(mktemp $reports/XXXXXX) --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect \
			--errors-for-leak-kinds=definite,indirect --num-callers=30 --suppressions=$tmp/valgrind.supp $tmp/parleyd "\$@"
	SH
	with_gateway "$watched" gateway_tests e2e || status=$?
	with_gateway "$watched" gateway_tests fault gateway_ || status=$?
	tap valgrind_found_nothing absent . "$reports"/*
	return "$status"
}

# Things that must not have happened in the server or a gateway meanwhile, even if no test looked for them.
suite_log() {
	tap server_did_not_crash absent 'PANIC|was terminated by signal (4|6|7|8|11)\b' "$tmp/cluster/postgres.log"
	tap server_reported_no_internal_error absent ' XX[0-9A-Z]{3} .*(ERROR|FATAL|PANIC):' "$tmp/cluster/postgres.log"
	tap sanitizers_found_nothing absent 'Sanitizer|runtime error' "$tmp"/cluster/parleyd-*.log
}

# "it failed" is raised by a function of the gateway's tests.
absent() {
	! grep -E "$@" | grep -v 'ERROR:  it failed$'
}

bash deploy/local/packages.sh --tests
bash deploy/local/install.sh
bash deploy/local/cluster.sh create "$tmp"
bash deploy/local/cluster.sh start "$tmp"
PGHOST=$(bash deploy/local/cluster.sh socket "$tmp")
export PGHOST PGPORT=5432 PGDATABASE=parley PGUSER=postgres PARLEY_RUN_DIR=$tmp

for suite in "${suites[@]}"; do
	run_suite "$suite"
done
if [ "$failed" -gt 0 ]; then
	head -n 20 "$tmp/failures"
	echo "make test TESTS=$(IFS=, && echo "${failed_suites[*]}") runs these suites again"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
