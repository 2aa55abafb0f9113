#!/bin/sh
# Checks that what is generated is what the sources give, that go.mod is tidy,
# that go vet finds nothing and that the program builds for every platform.
set -eu
cd "$(dirname "$0")/.."
# As tools/build.sh builds: what is compiled for one serves the other.
export CGO_ENABLED=0

section() {
	now=$(date +%s)
	[ -z "${began:-}" ] || echo "   $((now - began)) s"
	began=$now
	[ -z "${1:-}" ] || echo "== $1"
}

# The state of everything that git does not ignore. Compared before and after,
# rather than with the last commit, so that work in progress does not count.
state() {
	git diff HEAD | git hash-object --stdin
	git ls-files --others --exclude-standard | while read -r file; do
		echo "$file $(git hash-object "$file")"
	done
}

section "verify: generated code"
before=$(state)
go generate .
after=$(state)
if [ "$before" != "$after" ]; then
	git status --short
	git --no-pager diff --stat
	echo "verify: generated code differs from what the sources give; run 'go generate .' and commit the result" >&2
	exit 1
fi

section "verify: go.mod"
go mod tidy -diff

section "verify: go vet"
go vet ./...
go vet -tags gcs,azure ./internal/artifact
(cd tools && go vet ./...)
(cd tools/deploy && go vet ./...)

section "verify: other platforms"
sh tools/crosscheck.sh
section
