#!/usr/bin/env bash
# chroot.sh RELEASE… [-- COMMAND…]: runs `make test`, or COMMAND instead, on other releases of Debian, side by side, each in a chroot
# that is created for it and removed afterwards. With CHROOTS=DIRECTORY, the chroots are kept there and used again. TESTS selects the
# suites, as for run.sh. Fails if a test fails or a chroot cannot be created.
set -euo pipefail
. "$(dirname "$0")/../deploy/local/common.sh"
. "$(dirname "$0")/chroot_lib.sh"
# shellcheck disable=SC2046 # it is a list
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$tmp"' EXIT

tests=${TESTS:-build,unit,regress,isolation,lifecycle,e2e}
chroots=${CHROOTS:-$tmp}

# copy_sources DIR: copies the files in git, and the JavaScript packages already fetched, which do not depend on the release
copy_sources() {
	rm -rf "$1"
	mkdir "$1"
	git -C "$root" ls-files -z --cached --others --exclude-standard | tar -C "$root" --null -T - -c | tar -x -C "$1"
	[ ! -d "$root/test/node_modules" ] || cp -a "$root/test/node_modules" "$1/test"
}

# run_in RELEASE COMMAND…
run_in() {
	local dir=$chroots/$1 start=$SECONDS
	if [ ! -d "$dir" ]; then
		rm -rf "$dir.new"
		chroot_make "$1" "$dir.new" "$archive" || die "could not create a chroot"
		mv "$dir.new" "$dir"
	fi
	copy_sources "$dir/parley"
	# The bytes that the fuzzer finds in a minute do not depend on the release.
	# shellcheck disable=SC2016 # the inner shell expands it
	chroot_run "$dir" TESTS="$tests" FUZZ_SECONDS=5 DEBIAN_FRONTEND=noninteractive sh -c '
		command -v make >/dev/null || { apt-get update -qq && apt-get install -qq -y --no-install-recommends make >/dev/null 2>&1; } || exit
		cd /parley && exec "$@" </dev/null' sh "${@:2}" || die "failed after $((SECONDS - start)) s"
	say "$((SECONDS - start)) s"
}

releases=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	releases+=("$1")
	shift
done
command=(make test)
[ $# -le 1 ] || command=("${@:2}")

runs=()
labels=()
for release in "${releases[@]}"; do
	exec 3> >(exec sed -u "s/^/$release: /")
	labels+=($!)
	run_in "$release" "${command[@]}" >&3 2>&1 &
	runs+=($!)
	exec 3>&-
done
status=0
for run in "${runs[@]}"; do
	wait "$run" || status=1
done
wait "${labels[@]}"
exit "$status"
