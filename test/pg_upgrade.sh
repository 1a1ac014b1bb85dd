#!/usr/bin/env bash
# pg_upgrade.sh OLD NEW: fills a database under PostgreSQL OLD, upgrades it to NEW with pg_upgrade, and compares tables, results of
# searches and lists, and balances. Audits must find nothing, and writing must work as before. Run as root. It needs both servers; if OLD
# is missing, it is installed from Debian 12, whose archive is added on newer releases for this purpose only.
# For example: test/chroot.sh trixie -- bash test/pg_upgrade.sh 15 17
set -euo pipefail
. "$(dirname "$0")/../deploy/local/common.sh"
cd "$root"
old=$1
new=$2

bash deploy/local/packages.sh "postgresql-$new" "postgresql-server-dev-$new"
if [ ! -x "/usr/lib/postgresql/$old/bin/postgres" ] || [ ! -x "/usr/lib/postgresql/$old/bin/pg_config" ]; then
	archive=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive bookworm main" >/etc/apt/sources.list.d/bookworm.list
	trap 'rm -f /etc/apt/sources.list.d/bookworm.list' EXIT
	bash deploy/local/packages.sh "postgresql-$old" "postgresql-server-dev-$old"
fi

tmp=$(mktemp -d /tmp/parley-upgrade-XXXXXX)
chmod 755 "$tmp"
# for_version VERSION COMMAND…
for_version() {
	PG_CONFIG=/usr/lib/postgresql/$1/bin/pg_config "${@:2}"
}
cluster() {
	for_version "$1" bash deploy/local/cluster.sh "${@:2}"
}
clean_up() {
	cluster "$old" remove "$tmp/old"
	cluster "$new" remove "$tmp/new"
	rm -rf "$tmp" /etc/apt/sources.list.d/bookworm.list
}
trap clean_up EXIT

for version in "$old" "$new"; do
	for_version "$version" make -s clean
	for_version "$version" bash deploy/local/install.sh >/dev/null
done
make -s -C bench

# ask SQL: prints the results without ids that belong to the cluster; runs as the superuser
ask() {
	psql -X -q -A -t -v ON_ERROR_STOP=1 -d parley -c "$1"
}
everything() {
	local table term
	for table in $(ask "SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'parley'::regnamespace AND c.relkind = 'r' ORDER BY 1"); do
		printf '%s ' "$table"
		ask "SELECT count(*), md5(coalesce(string_agg(md5(t::text), '' ORDER BY t::text COLLATE \"C\"), '')) FROM $table t"
	done
	for term in '' movie 1555 e zz; do
		printf '%s ' "$term"
		ask "SELECT md5(coalesce(string_agg(r::text, '' ORDER BY r.conversation_id), '')) FROM parley.recent_conversations('$term', page_size => 200) r"
	done
}

start() {
	cluster "$1" start "$tmp/$2"
	PGHOST=$(cluster "$1" socket "$tmp/$2")
	export PGHOST PGPORT=5432 PGUSER=postgres
}

cluster "$old" create "$tmp/old"
start "$old" old
cluster "$old" database "$tmp/old" parley
PGDATABASE=parley bench/populate --contacts 500 --messages 20000 >/dev/null
ask "SELECT parley.post_transaction(u.id, (parley.open_account(u.id, 'EUR', 'purse')).id, 1000 + u.id)
	FROM (SELECT (parley.create_user('+49 40 55501' || n, 'User ' || n)).id FROM generate_series(10, 40) n) u" >/dev/null
everything >"$tmp/before"
cursor=$(ask "SELECT cursor FROM parley.sync((SELECT min(user_id) FROM parley.accounts))")
cluster "$old" stop "$tmp/old"

cluster "$new" create "$tmp/new"
upgrade() {
	(cd "$tmp/new" && as_owner sh -c 'cd "$0" && exec "$@"' "$(readlink -f "$tmp/new/cluster")" "/usr/lib/postgresql/$new/bin/pg_upgrade" \
		--username=postgres --old-bindir="/usr/lib/postgresql/$old/bin" --new-bindir="/usr/lib/postgresql/$new/bin" \
		--old-datadir="$(readlink -f "$tmp/old/cluster/data")" --new-datadir="$(readlink -f "$tmp/new/cluster/data")")
}
upgrade >"$tmp/log" || {
	tail -n 30 "$tmp/log" >&2
	die "pg_upgrade failed"
}
start "$new" new
ask "SELECT 1 / (current_setting('server_version_num')::integer / 10000 = $new)::integer" >/dev/null
everything >"$tmp/after"
diff "$tmp/before" "$tmp/after"
[ -z "$(ask 'SELECT a::text FROM parley.audit_conversations() a UNION ALL SELECT a::text FROM parley.audit_ledger() a')" ] || die "an audit found something"
ask "SELECT message_id FROM parley.post_message((SELECT min(id) FROM parley.conversations WHERE kind = 'contact'), 'written after the upgrade')" >/dev/null
[ "$(ask "SELECT content FROM parley.recent_conversations('written after the UPGRADE')")" = "written after the upgrade" ] || die "a search does not find what was posted"
refusal=$(ask "SELECT cursor FROM parley.sync((SELECT min(user_id) FROM parley.accounts), '$cursor')" 2>&1) && die "an old cursor was resumed"
[[ $refusal == *"cursor can no longer be resumed"* ]] || die "an old cursor was refused for another reason: $refusal"
say "pg_upgrade from $old to $new: $(wc -l <"$tmp/after") comparisons equal, audits found nothing"
