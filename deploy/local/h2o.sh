#!/usr/bin/env bash
# h2o.sh DIRECTORY: unpacks libh2o of Debian 12 there, for its successors, which have no package of it. As root.
#
# apt fetches it, and checks the signatures, from the archive that this machine's own apt uses, with a configuration and lists of its
# own: Debian 12 is nowhere in the system's afterwards, and no package is installed. What it needs of other libraries, the newer
# distributions have.
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
