#!/bin/sh
# Runs scripts of web/package.json in their order; `generate` and `build` by default, which write web/src/gql from
# schema.graphql and web/dist from web/src.
#
#     sh tools/web.sh [generate|build|lint|test|dev ...]
#
# What npm installs is kept outside the checkout, once per lock file: ${CAIRN_TEST_CACHE:-~/.cache/cairn-test}/web/HASH.
set -eu
cd "$(dirname "$0")/../web"
command -v npm >/dev/null || { echo "web: npm is missing; install Node.js 20 or newer" >&2; exit 1; }

cache=${CAIRN_TEST_CACHE:-$HOME/.cache/cairn-test}/web
installed=$cache/$(cat package.json package-lock.json .npmrc | git hash-object --stdin | cut -c1-16)
if [ ! -d "$installed" ]; then
	echo "web: installing what web/package-lock.json names (once)" >&2
	mkdir -p "$cache"
	begun=$(mktemp -d "$cache/begun.XXXXXX")
	cp package.json package-lock.json .npmrc "$begun"
	npm ci --silent --no-audit --no-fund --prefix "$begun" >&2
	# Renamed when whole, so that one cut short is never taken for one; another may have been faster.
	mv -T "$begun" "$installed" 2>/dev/null || mv "$begun" "$installed" || [ -d "$installed" ]
fi
if [ "$(readlink node_modules || true)" != "$installed/node_modules" ]; then
	rm -rf node_modules
	ln -s "$installed/node_modules" node_modules
fi
export CI=true
[ $# -gt 0 ] || set -- generate build
for script in "$@"; do
	npm run --silent "$script"
done
