#!/bin/sh
# The gateway's entry point. Gateways that share /var/lib/parley share the key that signs tokens; the first gateway creates it.
# The settings are parleyd's PARLEY_* variables and PGPASSWORD.
set -eu

key=/var/lib/parley/jwt.key
if [ ! -e "$key" ]; then
	umask 077
	head -c 48 /dev/urandom | base64 -w 0 >"$key.$$"
	# Another gateway may have created it first.
	ln "$key.$$" "$key" 2>/dev/null || true
	rm "$key.$$"
fi
export PARLEY_JWT_KEY_FILE="${PARLEY_JWT_KEY_FILE:-HS256:$key}"
exec parleyd "$@"
