#!/bin/sh
# Finds the programs that tests need and that no language's registry has, and
# prints the path of each, one a line, in the order asked for:
#
#     tools/debian.sh postgresql     the directory of initdb and postgres
#     tools/debian.sh pgbouncer      the pooler's executable
#     tools/debian.sh chromium       the browser's executable
#     tools/debian.sh gcc            the C compiler that Go's race detector needs
#
# What is found is used. Else, as root on a machine with apt, it is installed.
# Else the command that installs it is printed, and the exit code is 1.
# Progress goes to stderr. CAIRN_TEST_POSTGRES, CAIRN_TEST_PGBOUNCER and
# CAIRN_TEST_CHROMIUM name others than the ones found.
set -eu

find_postgresql() {
	if [ -n "${CAIRN_TEST_POSTGRES:-}" ]; then
		if [ -x "$CAIRN_TEST_POSTGRES/initdb" ]; then
			echo "$CAIRN_TEST_POSTGRES"
			return 0
		fi
		echo "debian.sh: no initdb in CAIRN_TEST_POSTGRES=$CAIRN_TEST_POSTGRES" >&2
		return 1
	fi
	# Debian keeps the server out of PATH, one directory a version: the newest counts.
	for bin in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -rn); do
		if [ -x "$bin/initdb" ] && [ -x "$bin/postgres" ]; then
			echo "$bin"
			return 0
		fi
	done
	if command -v initdb >/dev/null && command -v postgres >/dev/null; then
		dirname "$(command -v initdb)"
		return 0
	fi
	return 1
}

find_pgbouncer() {
	if [ -n "${CAIRN_TEST_PGBOUNCER:-}" ]; then
		if [ -x "$CAIRN_TEST_PGBOUNCER" ]; then
			echo "$CAIRN_TEST_PGBOUNCER"
			return 0
		fi
		echo "debian.sh: CAIRN_TEST_PGBOUNCER=$CAIRN_TEST_PGBOUNCER is not executable" >&2
		return 1
	fi
	# Debian keeps it out of the PATH of ordinary users.
	PATH="$PATH:/usr/sbin" command -v pgbouncer
}

find_chromium() {
	if [ -n "${CAIRN_TEST_CHROMIUM:-}" ]; then
		if [ -x "$CAIRN_TEST_CHROMIUM" ]; then
			echo "$CAIRN_TEST_CHROMIUM"
			return 0
		fi
		echo "debian.sh: CAIRN_TEST_CHROMIUM=$CAIRN_TEST_CHROMIUM is not executable" >&2
		return 1
	fi
	for name in chromium chromium-browser google-chrome \
		"/Applications/Chromium.app/Contents/MacOS/Chromium" \
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
		if command -v "$name" >/dev/null; then
			command -v "$name"
			return 0
		fi
	done
	return 1
}

find_gcc() {
	command -v "${CC:-gcc}"
}

# packages_of NAME: the Debian packages that hold it.
packages_of() {
	case $1 in
	gcc) echo "gcc libc6-dev" ;;
	*) echo "$1" ;;
	esac
}

if [ $# -eq 0 ]; then
	echo "usage: tools/debian.sh postgresql|pgbouncer|chromium|gcc ..." >&2
	exit 2
fi

missing=
for program in "$@"; do
	case $program in
	postgresql | pgbouncer | chromium | gcc) ;;
	*)
		echo "debian.sh: unknown program $program; there are: postgresql, pgbouncer, chromium, gcc" >&2
		exit 2
		;;
	esac
	"find_$program" >/dev/null || missing="$missing $(packages_of "$program")"
done

if [ -n "$missing" ]; then
	if ! command -v apt-get >/dev/null; then
		echo "debian.sh: missing:$missing; install with your system's package manager and try again" >&2
		exit 1
	fi
	if [ "$(id -u)" -ne 0 ]; then
		echo "debian.sh: missing:$missing; install with:" >&2
		echo "    sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing" >&2
		exit 1
	fi
	echo "debian.sh: installing$missing" >&2
	export DEBIAN_FRONTEND=noninteractive
	wait_for_lock="-o DPkg::Lock::Timeout=300"
	# shellcheck disable=SC2086 # one word a package, one a setting
	{
		apt-get $wait_for_lock -qq update
		apt-get $wait_for_lock -qq install -y --no-install-recommends $missing
	} >&2
fi

for program in "$@"; do
	if ! "find_$program"; then
		echo "debian.sh: $program is still missing" >&2
		exit 1
	fi
done
