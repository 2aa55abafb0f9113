#!/bin/sh
# Checks that the program and its adapters compile for every platform that they
# are released for. Without --build only the files that differ between
# operating systems are checked, one architecture each, which is what goes
# wrong; --build links all six.
set -eu
cd "$(dirname "$0")/.."
case ${1:-} in
--build) platforms="linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64" ;;
*) platforms="darwin/arm64 windows/amd64" ;;
esac
host=$(go env GOHOSTOS)/$(go env GOHOSTARCH)
for platform in $platforms; do
	[ "$platform" != "$host" ] || continue
	echo "   $platform"
	GOOS=${platform%/*} GOARCH=${platform#*/} CGO_ENABLED=0 go build -o /dev/null ./cmd/cairn ./plugins/...
done
