#!/bin/sh
# Checks that the program and its adapters compile for the platforms that they
# are released for: reads and type-checks the sources as those platforms select
# them. With --build all six are compiled and linked, which takes many minutes.
set -eu
cd "$(dirname "$0")/.."
if [ "${1:-}" = --build ]; then
	for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do
		echo "   $platform"
		# Several packages are compiled and linked, and the results thrown away.
		out=$(mktemp -d)
		GOOS=${platform%/*} GOARCH=${platform#*/} CGO_ENABLED=0 go build -o "$out" ./cmd/cairn ./plugins/...
		rm -r "$out"
	done
else
	# go vet has checked this machine's own. What differs is by system; of the
	# architectures, one each is enough to see that a dependency has them.
	go run -C tools ./crosscheck .. linux/arm64,darwin/arm64,windows/amd64 ./cmd/cairn ./plugins/...
fi
