#!/usr/bin/env bash
# chroot.sh RELEASE… [-- COMMAND…]: runs `make test`, or COMMAND instead, on other releases of Debian, each in a chroot that is created
# for it and removed afterwards. TESTS selects the suites, as for run.sh. Prints one line per release; fails if a test fails or a chroot
# cannot be created.
set -euo pipefail
. "$(dirname "$0")/../deploy/local/common.sh"
. "$(dirname "$0")/chroot_lib.sh"

tests=${TESTS:-build,unit,regress,isolation,lifecycle,e2e}

# copy_sources DIR: copies the files in git, and the JavaScript packages already fetched, which do not depend on the release
copy_sources() {
	mkdir "$1"
	git -C "$root" ls-files -z --cached --others --exclude-standard | tar -C "$root" --null -T - -c | tar -x -C "$1"
	[ ! -d "$root/test/node_modules" ] || cp -a "$root/test/node_modules" "$1/test"
}

releases=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	releases+=("$1")
	shift
done
command=(make test)
[ $# -le 1 ] || command=("${@:2}")

status=0
for release in "${releases[@]}"; do
	start=$SECONDS
	if chroot_make "$release" "$tmp/$release" "$archive" && copy_sources "$tmp/$release/parley"; then
		# shellcheck disable=SC2016 # the inner shell expands it
		chroot_run "$tmp/$release" TESTS="$tests" sh -c '
			apt-get update -qq && apt-get install -qq -y --no-install-recommends make >/dev/null 2>&1 && cd /parley && exec "$@" </dev/null' sh "${command[@]}" |
			sed -u "s/^/$release: /" || status=1
	else
		say "$release: could not create a chroot"
		status=1
	fi
	say "$release: $((SECONDS - start)) s"
	rm -rf "${tmp:?}/$release"
done
exit "$status"
