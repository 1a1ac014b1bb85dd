#!/usr/bin/env bash
# What `make test` runs, on a throw-away cluster: suite after suite, each a function suite_NAME whose output is shown when it
# fails. TESTS=regress,e2e runs only those. The last line counts: N passed, N failed.
#
# Tests find in their environment PGHOST, PGPORT, PGDATABASE=parley, PGUSER=postgres (the superuser), PARLEY_URL, PARLEYD (the
# gateway's program) and PARLEY_RUN_DIR, which deploy/local/cluster.sh start and stop take.
set -euo pipefail
. "$(dirname "$0")/../deploy/local/common.sh"
cd "$root"

# suite, and what counts its tests
suites=(regress lifecycle)
declare -A count=([unit]=check [regress]=regress [isolation]=regress [lifecycle]=node)

if [ -n "${TESTS:-}" ]; then
	read -ra chosen <<<"${TESTS//,/ }"
	for suite in "${chosen[@]}"; do
		[ -n "${count[$suite]:-}" ] || die "no suite is called $suite" "There are: ${suites[*]}"
	done
	suites=("${chosen[@]}")
fi

passed=0
failed=0
step_pid=
parleyd_pid=
tmp=$(mktemp -d /tmp/parley-test-XXXXXX)
chmod 755 "$tmp"
mkdir "$tmp/log"

cleanup() {
	local status=$?
	trap '' INT TERM HUP PIPE
	set +e
	for pid in $step_pid $parleyd_pid; do
		kill "$pid" 2>/dev/null
		timeout 20 tail -s 0.1 --pid="$pid" -f /dev/null || kill -KILL "$pid"
	done
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
count_regress() {
	awk '/ \.\.\. ok /{ p++ } / \.\.\. FAILED /{ f++ } END { print p + 0, f + 0 }'
}

count_check() {
	sed -nE 's/^[0-9]+%: Checks: ([0-9]+), Failures: ([0-9]+), Errors: ([0-9]+).*/\1 \2 \3/p' |
		awk '{ p += $1 - $2 - $3; f += $2 + $3 } END { print p + 0, f + 0 }'
}

# A test that was skipped has not passed.
count_node() {
	awk '$1 == "#" && $2 == "pass" { p += $3 } $1 == "#" && $2 ~ /^(fail|cancelled|skipped|todo)$/ { f += $3 }
		END { print p + 0, f + 0 }'
}

count_tap() {
	awk '/^ok /{ p++ } /^not ok /{ f++ } END { print p + 0, f + 0 }'
}

run_suite() {
	local log=$tmp/log/$1 status=0 suite_passed suite_failed start=$SECONDS
	"suite_$1" </dev/null >"$log" 2>&1 &
	step_pid=$!
	wait "$step_pid" || status=$?
	step_pid=
	read -r suite_passed suite_failed < <("count_${count[$1]}" <"$log")
	# A runner that fails without naming a test, or runs none, is one failure.
	if [ "$suite_failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$suite_passed" -eq 0 ]; }; then
		suite_failed=1
	fi
	[ "$suite_failed" -eq 0 ] || sed "s/^/$1: /" "$log"
	printf '%-12s %4d passed, %d failed  %3d s\n' "$1" "$suite_passed" "$suite_failed" $((SECONDS - start))
	passed=$((passed + suite_passed)) failed=$((failed + suite_failed))
}

suite_unit() {
	build -C gateway check
	build -C bench check
}

suite_regress() {
	build installcheck ISOLATION= || {
		cat regression.diffs
		return 1
	}
}

suite_isolation() {
	build installcheck REGRESS= || {
		cat output_iso/regression.diffs
		return 1
	}
}

# node_tests DIRECTORY
node_tests() {
	node --test --test-reporter=tap "test/$1"/*.test.mjs
}

suite_lifecycle() {
	node_tests lifecycle
}

bash deploy/local/packages.sh
bash deploy/local/install.sh
bash deploy/local/cluster.sh create "$tmp"
bash deploy/local/cluster.sh start "$tmp"
PGHOST=$(bash deploy/local/cluster.sh socket "$tmp")
export PGHOST PGPORT=5432 PGDATABASE=parley PGUSER=postgres PARLEY_RUN_DIR=$tmp

for suite in "${suites[@]}"; do
	run_suite "$suite"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
