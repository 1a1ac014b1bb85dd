#!/bin/sh
# parley-token [KEY_FILE [SECONDS [USER_ID]]]: prints a bearer token signed with a secret from --jwt-key-file (HS256), for the operator
# or, with USER_ID, for that user. It is valid for SECONDS (by default an hour).
#
# For a first look and for scripts. A product issues tokens where its users sign in.
set -eu

key=${1:-/etc/parley/jwt.key}
expires=$(($(date +%s) + ${2:-3600}))
who='"role":"operator"'
[ -z "${3:-}" ] || who="\"sub\":\"$3\""
[ -r "$key" ] || {
	echo "parley-token: $key cannot be read" >&2
	exit 1
}

base64url() {
	openssl base64 -A | tr '+/' '-_' | tr -d '='
}

text=$(printf '{"alg":"HS256","typ":"JWT"}' | base64url).$(printf '{%s,"exp":%d}' "$who" "$expires" | base64url)
# Without trailing line ends, as parleyd reads it.
secret=$(od -An -v -tx1 "$key" | tr -d ' \n' | sed -E 's/(0a|0d)+$//')
signature=$(printf %s "$text" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$secret" -binary | base64url)
printf '%s.%s\n' "$text" "$signature"
