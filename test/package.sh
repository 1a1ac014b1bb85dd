#!/usr/bin/env bash
# package.sh: builds the Debian packages, checks them with lintian, and installs them in a chroot of this machine's release. There
# they must serve a request, and leave nothing behind when they are removed and purged. Run as root. Prints one line at the end;
# fails if anything failed.
set -euo pipefail
. "$(dirname "$0")/../deploy/local/common.sh"
. "$(dirname "$0")/chroot_lib.sh"

bash "$root/deploy/local/packages.sh" lintian mmdebstrap
rm -rf "$root/dist"
bash "$root/deploy/debian/build.sh"
lintian --fail-on error "$root"/dist/*.deb
# including the security updates that the packages were built against
mapfile -t mirrors < <(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' 'Origin: Debian' | sort -u)
chroot_make "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$tmp/chroot" "${mirrors[@]}"
cp "$root"/dist/*.deb "$tmp/chroot/root"
cp "$root/test/package_inside.sh" "$tmp/chroot/root"
chroot_run "$tmp/chroot" bash /root/package_inside.sh "$postgres_major"
say "packages: installed, answered, removed and purged"
