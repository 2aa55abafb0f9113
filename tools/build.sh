#!/bin/sh
# Builds every adapter into bin/adapters, then bin/cairn with the adapters'
# SHA-256 compiled in: a shipped adapter is started only if it is the very file
# that was built with the program. GOOS and GOARCH choose another platform, and
# OUT another directory than bin. RELEASE=1 leaves the checkout's path out of the
# files; else they are compiled as tests and checks are, so that what one has
# compiled serves the others.
set -eu
cd "$(dirname "$0")/.."
out=${OUT:-bin}
exe=$(go env GOEXE)
export CGO_ENABLED=0

sha256() {
	if command -v sha256sum >/dev/null; then
		sha256sum "$1" | cut -d' ' -f1
	else
		shasum -a 256 "$1" | cut -d' ' -f1
	fi
}

# compile PACKAGE FILE [LDFLAGS]: replaces FILE in one step, since the file that
# is there may be running. No revision is stamped in, so that equal sources give
# equal bytes, and with them equal digests.
compile() {
	mkdir -p "$(dirname "$2")"
	go build ${RELEASE:+-trimpath} -buildvcs=false -ldflags "-s -w ${3:-}" -o "$2.$$" "$1"
	mv "$2.$$" "$2"
}

digests=
for main in plugins/*/main.go; do
	[ -e "$main" ] || continue
	name=$(basename "$(dirname "$main")")
	file=$out/adapters/$name/cairn-adapter-$name$exe
	compile "./plugins/$name" "$file"
	digests=$digests${digests:+,}$name=$(sha256 "$file")
done

version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo unknown)}
compile ./cmd/cairn "$out/cairn$exe" \
	"-X main.version=$version -X github.com/cairnml/cairn/internal/autolog.shippedDigests=$digests"
echo "built $out/cairn$exe ($version) and the adapters: $(echo "${digests:-none}" | sed 's/=[0-9a-f]*//g; s/,/, /g')"
