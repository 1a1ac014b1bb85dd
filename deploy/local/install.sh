#!/usr/bin/env bash
# Builds the extension, the gateway and the generator, and installs the extension in PostgreSQL's directories.
set -euo pipefail
. "$(dirname "$0")/common.sh"

say "building the extension, the gateway and the generator"
build all
build -C gateway
build -C bench

# What `make install` would copy is compared first, so that root is asked for only where something has changed.
share=$("$PG_CONFIG" --sharedir)/extension
lib=$("$PG_CONFIG" --pkglibdir)
cd "$root"
if cmp -s parley.so "$lib/parley.so" && cmp -s parley.control "$share/parley.control" &&
	cmp -s extension/parley--1.0.sql "$share/parley--1.0.sql"; then
	exit
fi
if [ -w "$share" ] && [ -w "$lib" ]; then
	say "installing the extension in $lib"
	build install >/dev/null
else
	command -v sudo >/dev/null || die "installing the extension in $lib needs root, and there is no sudo" "As root: make install"
	say "installing the extension in $lib; needs root: using sudo"
	sudo make -s -C "$root" install PG_CONFIG="$PG_CONFIG" >/dev/null
fi
