#!/usr/bin/env bash
# package_inside.sh MAJOR: what package.sh runs in its chroot, with the packages next to this file.
set -euo pipefail
major=$1
cd "$(dirname "$0")"
export DEBIAN_FRONTEND=noninteractive

# everything except what apt, dpkg and ldconfig record for themselves
files() {
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/log -o -path /var/cache \
		-o -path /var/lib/apt -o -path /var/lib/dpkg \) -prune -o -print | sort
}

apt-get update -qq
apt-get install -qq -y --no-install-recommends curl adduser "postgresql-$major" >/dev/null
pg_lsclusters -h | grep -q . || pg_createcluster "$major" main
files >/tmp/before
cp /etc/passwd /tmp/passwd

apt-get install -qq -y --no-install-recommends ./parleyd_*.deb ./"postgresql-$major-parley"_*.deb >/dev/null

# As in the README.
echo "local parley parley_gateway peer map=parley" | cat - "/etc/postgresql/$major/main/pg_hba.conf" >/tmp/pg_hba.conf
cat /tmp/pg_hba.conf >"/etc/postgresql/$major/main/pg_hba.conf"
echo "parley parley parley_gateway" >>"/etc/postgresql/$major/main/pg_ident.conf"
pg_ctlcluster "$major" main start
su postgres -c 'createdb parley && psql -qX parley -c "CREATE EXTENSION parley CASCADE" -c "ALTER ROLE parley_gateway LOGIN"'

cd /
(
	set -a
	# shellcheck source=/dev/null
	. /etc/parley/parleyd.env
	exec setpriv --reuid=parley --regid=parley --init-groups parleyd 2>/tmp/parleyd.log
) &
gateway=$!
curl -fs --retry 20 --retry-delay 1 --retry-all-errors -o /dev/null http://127.0.0.1:8080/ready || {
	cat /tmp/parleyd.log
	exit 1
}
curl -fsS -H 'Content-Type: application/json' -d '{"name":"Ann","phone":"+49 30 1234567"}' http://127.0.0.1:8080/users | grep '"name":"Ann"'
kill "$gateway"
wait "$gateway"

systemd-analyze verify --man=no /lib/systemd/system/parleyd.service 2>&1 | grep -i parleyd && exit 1
su postgres -c 'dropdb parley && psql -qX -c "DROP ROLE parley_gateway"'
cd /root
apt-get install -qq -y --reinstall ./parleyd_*.deb >/dev/null
apt-get remove -qq -y parleyd "postgresql-$major-parley" >/dev/null
test -e /etc/parley/parleyd.env
apt-get purge -qq -y parleyd >/dev/null
apt-get autoremove -qq -y --purge >/dev/null
pg_ctlcluster "$major" main stop
files >/tmp/after
left=$(comm -13 /tmp/before /tmp/after | grep -v "^/var/lib/postgresql/" || true)
[ -z "$left" ] || { echo "left behind: $left"; exit 1; }
diff /tmp/passwd /etc/passwd
