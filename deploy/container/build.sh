#!/usr/bin/env bash
# `make container`: builds the images parley-database, parley-gateway and parley-proxy with Debian's buildah, as root.
# BASE names another base image than Containerfile does.
set -euo pipefail
. "$(dirname "$0")/../local/common.sh"

command -v buildah >/dev/null || bash "$root/deploy/local/packages.sh" buildah
cd "$root"
for image in database gateway proxy; do
	buildah build --quiet --isolation chroot --layers --target "$image" --tag "parley-$image" ${BASE:+--build-arg "BASE=$BASE"} \
		--ignorefile deploy/container/Containerfile.dockerignore --file deploy/container/Containerfile . >/dev/null
	say "parley-$image"
done
