#!/bin/sh
# Resolves every test/env/NAME.in into NAME.lock: every package, direct and
# transitive, with its exact version and the SHA-256 of each of its files.
# Run it after changing a .in file, or with --upgrade to take new versions.
# A line "# python: 3.9" in the .in file names the oldest Python that it is for. NAME.overrides, where it is there, says
# what to leave out that packages ask for.
set -eu
cd "$(dirname "$0")"
uv=$(python3 ensure.py --uv)
for input in *.in; do
	oldest=$(sed -n 's/^# python: //p' "$input")
	overrides=${input%.in}.overrides
	[ -e "$overrides" ] || overrides=
	"$uv" pip compile --quiet --universal --python-version "${oldest:-3.11}" \
		--generate-hashes --no-annotate --no-header --no-emit-index-url \
		${overrides:+--overrides "$overrides"} "$@" "$input" -o "${input%.in}.lock"
done
