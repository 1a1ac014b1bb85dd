#!/usr/bin/env bash
# container.sh: builds the three images from a Debian of this machine's release, and runs their entry points: a database with an empty
# volume, three gateways, and the proxy. A request with a token must succeed through the proxy, and again after a restart with the
# same volumes. Run as root. No registry is needed: mmdebstrap creates the base image.
#
# buildah runs them in chroots that share this machine's network, since there may be no container engine. What an engine adds is not
# tested here: networks, names, restarts, compose.yaml. Of compose.yaml, only the images that it names are checked.
set -euo pipefail
. "$(dirname "$0")/../deploy/local/common.sh"
. "$(dirname "$0")/chroot_lib.sh"
bash "$root/deploy/local/packages.sh" buildah crun mmdebstrap openssl

base=localhost/parley-base
pids=()
containers=()
end_all() {
	[ ${#pids[@]} -eq 0 ] || kill -INT "${pids[@]}" 2>/dev/null || true
	wait
	pids=()
}
clean_up() {
	end_all
	buildah rm "${containers[@]}" >/dev/null
	buildah rmi --force "$base" >/dev/null 2>&1 || true
	rm -rf "$tmp"
}
trap clean_up EXIT

mapfile -t mirrors < <(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' 'Origin: Debian' | sort -u)
chroot_make "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$tmp/base" "${mirrors[@]}"
scratch=$(buildah from scratch)
containers+=("$scratch")
buildah add --quiet "$scratch" "$tmp/base" / >/dev/null
buildah commit --quiet "$scratch" "$base" >/dev/null
rm -rf "$tmp/base"
BASE=$base bash "$root/deploy/container/build.sh"

sed -n 's/^ *target: //p' "$root/deploy/container/compose.yaml" | while read -r image; do
	buildah inspect --type image "parley-$image" >/dev/null
done

mkdir -m 777 "$tmp/data" "$tmp/keys" "$tmp/certificate"
declare -A container
for image in database gateway proxy; do
	container[$image]=$(buildah from "parley-$image")
	containers+=("${container[$image]}")
done

# run IMAGE VARIABLE=VALUE…: runs the image's entry point in the background, as the image's user, with the test's volumes
run() {
	local image=$1 options=()
	shift
	for variable; do options+=(--env "$variable"); done
	case $image in
		database) options+=(--volume "$tmp/data:/var/lib/postgresql/parley") ;;
		gateway) options+=(--volume "$tmp/keys:/var/lib/parley") ;;
		proxy) options+=(--volume "$tmp/certificate:/etc/ssl/parley") ;;
	esac
	local entry
	entry=$(buildah inspect --type image --format '{{index .OCIv1.Config.Entrypoint 0}}' "parley-$image")
	buildah run --isolation chroot "${options[@]}" "${container[$image]}" -- "$entry" >>"$tmp/$image.log" 2>&1 &
	pids+=($!)
}

start() {
	local password=secret-for-the-test port
	run database PARLEY_DATABASE_PASSWORD="$password" PGPORT=18499
	for port in 18491 18492 18493; do
		run gateway PGHOST=127.0.0.1 PGPORT=18499 PGPASSWORD="$password" PARLEY_LISTEN="127.0.0.1:$port"
	done
	run proxy PARLEY_GATEWAYS="127.0.0.1:18491 127.0.0.1:18492 127.0.0.1:18493" PARLEY_PROXY_PORT=18490
	local answered=
	for _ in $(seq 60); do
		answered=1
		for port in 18491 18492 18493; do
			curl -fs -o /dev/null "http://127.0.0.1:$port/ready" || answered=
		done
		[ -z "$answered" ] || break
		sleep 1
	done
	[ -n "$answered" ] || { tail -n 20 "$tmp"/*.log >&2; die "the gateways did not become ready"; }
}

ask() {
	curl -fsSk --retry 10 --retry-connrefused --retry-delay 1 -H "Authorization: Bearer $(sh "$root/deploy/token.sh" "$tmp/keys/jwt.key")" "$@"
}

start
ask -H 'Content-Type: application/json' -d '{"name":"Ann","phone":"+49 30 1234567"}' https://127.0.0.1:18490/contacts | grep '"name":"Ann"'
curl -fsSk https://127.0.0.1:18490/inbox/ | grep -q '<title>parley'
curl -sk -o /dev/null -w '%{http_code}\n' https://127.0.0.1:18490/conversations | grep -qx 401 || die "a request without a token was not refused"
end_all
start
ask 'https://127.0.0.1:18490/contacts?searchValue=ann' | grep '"name":"Ann"'
say "containers: built, answered, and answered again after a restart"
