#!/bin/sh
# Lints the Go, the Python and the TypeScript sources and the files of deploy/. golangci-lint is built from tools/go.mod
# once per version of it and of Go, and kept in the cache: it must not be older
# than the Go whose code it reads, and building it takes minutes.
set -eu
cd "$(dirname "$0")/.."
# As tools/build.sh builds: what is compiled for one serves the other.
export CGO_ENABLED=0
cache=${CAIRN_TEST_CACHE:-$HOME/.cache/cairn-test}/bin
version=$(go list -C tools -m -f '{{.Version}}' github.com/golangci/golangci-lint/v2)
linter=$cache/golangci-lint-$version-$(go env GOVERSION)
if [ ! -x "$linter" ]; then
	echo "lint: building golangci-lint $version (once)" >&2
	mkdir -p "$cache"
	# Renamed when whole, so that a build cut short is never taken for one.
	go build -C tools -o "$linter.$$" github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	mv "$linter.$$" "$linter"
fi
"$linter" run --timeout 30m ./...
(cd tools && "$linter" run --timeout 30m ./...)
(cd tools/deploy && "$linter" run --timeout 30m ./...)

python=$(python3 test/env/ensure.py lint)
"${python%/python}/ruff" check .

sh tools/web.sh lint

"${python%/python}/hadolint" deploy/Dockerfile
sh tools/build.sh >/dev/null
root=$PWD
(cd tools/deploy && go run . "$root" "$root/bin/cairn")
