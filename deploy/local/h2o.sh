#!/usr/bin/env bash
# h2o.sh DIRECTORY: unpacks libh2o of Debian 12 there, for later releases, which have no package of it. Run as root.
#
# apt fetches it from the archive that this machine's apt uses, and checks the signatures. It uses a configuration and package
# lists of its own, so the system does not learn of Debian 12, and nothing is installed. The libraries that libh2o needs are in
# the later releases.
set -euo pipefail

target=$1
apt=$(mktemp -d)
trap 'rm -rf "$apt"' EXIT
chmod 755 "$apt"
mkdir -p "$apt/lists/partial" "$apt/none"

archive=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
[ -n "$archive" ] || {
	echo "parley: apt knows no archive of Debian; apt-get update?" >&2
	exit 1
}
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive bookworm main" >"$apt/sources.list"
cat >"$apt/apt.conf" <<-CONF
	Dir::Etc::SourceList "$apt/sources.list";
	Dir::Etc::SourceParts "$apt/none";
	Dir::State::Lists "$apt/lists";
	APT::Sandbox::User "root";
CONF
export APT_CONFIG=$apt/apt.conf
cd "$apt"
apt-get -qq update
apt-get -qq download libh2o-evloop0.13 libh2o-evloop-dev libh2o-dev-common
mkdir -p "$target"
for package in *.deb; do
	dpkg -x "$package" "$target"
done
