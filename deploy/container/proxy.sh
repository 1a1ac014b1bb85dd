#!/bin/sh
# The proxy's entry point: deploy/nginx.conf, with the gateways and the name of this installation in it.
#
#   PARLEY_GATEWAYS      "gateway:8080": a name stands for all addresses that it has when the proxy starts
#   PARLEY_SERVER_NAME   localhost
#   PARLEY_PROXY_PORT    443
#
# /etc/ssl/parley/fullchain.pem and privkey.pem are the certificate; where they are missing, one is made that browsers warn of.
set -eu

name=${PARLEY_SERVER_NAME:-localhost}
certificate=/etc/ssl/parley
if [ ! -e "$certificate/fullchain.pem" ]; then
	mkdir -p "$certificate"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=$name" -addext "subjectAltName=DNS:$name" \
		-keyout "$certificate/privkey.pem" -out "$certificate/fullchain.pem" 2>/dev/null
fi

# One line for each gateway in the place of the file's own.
awk -v gateways="${PARLEY_GATEWAYS:-gateway:8080}" '
	!/^\t\tserver [0-9.:]+ / { print; next }
	!written++ {
		count = split(gateways, gateway, " ")
		for (i = 1; i <= count; i++)
			print "\t\tserver " gateway[i] " max_fails=3 fail_timeout=2s;"
	}' /etc/nginx/nginx.conf |
	sed -e "s/chat\.example\.org/$name/" -e "s/listen 443/listen ${PARLEY_PROXY_PORT:-443}/" >/run/parley-nginx.conf
exec nginx -c /run/parley-nginx.conf -g 'daemon off;'
