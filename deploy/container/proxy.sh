#!/bin/sh
# The proxy's entry point: fills in the gateways and the server name in deploy/nginx.conf and starts nginx with it.
#
#   PARLEY_GATEWAYS      "gateway:8080": a name stands for all addresses to which it resolves when the proxy starts
#   PARLEY_SERVER_NAME   localhost
#   PARLEY_PROXY_PORT    443
#
# The certificate is in /etc/ssl/parley/fullchain.pem and privkey.pem; if they are missing, a self-signed one is created, about which
# browsers warn.
set -eu

name=${PARLEY_SERVER_NAME:-localhost}
certificate=/etc/ssl/parley
if [ ! -e "$certificate/fullchain.pem" ]; then
	mkdir -p "$certificate"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=$name" -addext "subjectAltName=DNS:$name" \
		-keyout "$certificate/privkey.pem" -out "$certificate/fullchain.pem" 2>/dev/null
fi

# Replace the file's own line with one line per gateway.
awk -v gateways="${PARLEY_GATEWAYS:-gateway:8080}" '
	!/^\t\tserver [0-9.:]+ / { print; next }
	!written++ {
		count = split(gateways, gateway, " ")
		for (i = 1; i <= count; i++)
			print "\t\tserver " gateway[i] " max_fails=0;"
	}' /etc/nginx/nginx.conf |
	sed -e "s/chat\.example\.org/$name/" -e "s/listen 443/listen ${PARLEY_PROXY_PORT:-443}/" >/run/parley-nginx.conf
exec nginx -c /run/parley-nginx.conf -g 'daemon off;'
