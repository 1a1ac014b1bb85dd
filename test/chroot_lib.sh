# shellcheck shell=bash disable=SC2154 # common.sh sets root
# Sourced by the scripts that test in a chroot of a Debian release, as root. Creates the chroot from the archive that this
# machine's apt uses. $tmp is removed with the script.

[ "$(id -u)" -eq 0 ] || die "a chroot needs root"
command -v mmdebstrap >/dev/null || bash "$root/deploy/local/packages.sh" mmdebstrap
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
[ -n "$archive" ] || die "apt knows no archive of Debian" "apt-get update?"
tmp=$(mktemp -d /var/tmp/parley-chroot-XXXXXX)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# chroot_make RELEASE DIR [MIRROR…]: a MIRROR is a line of sources.list. A mirror that is out of date is fine; packages are signed
# in any case.
chroot_make() {
	mmdebstrap --quiet --variant=apt --include=ca-certificates --aptopt='Acquire::Check-Valid-Until "false"' \
		--dpkgopt=force-unsafe-io "$1" "$2" "${@:3}" || return
	printf '#!/bin/sh\nexit 101\n' >"$2/usr/sbin/policy-rc.d"
	chmod +x "$2/usr/sbin/policy-rc.d"
}

# chroot_run DIR COMMAND…: runs it with the kernel's file systems, which are unmounted with the last process, and in its own
# process namespace, which ends with the caller
chroot_run() {
	# shellcheck disable=SC2016 # the inner shell expands it
	setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child bash -euc '
		mount --bind "$1" "$1" # so that one can be made in it too
		mount -t proc proc "$1/proc"
		mount -t sysfs -o ro sysfs "$1/sys"
		mount --rbind /dev "$1/dev"
		mount -t tmpfs tmpfs "$1/run"
		exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "${@:2}"' bash "$@"
}
