#!/bin/sh
# Runs the library's tests over its kqueue backend, as built for each kind of kqueue. The last line of each is Check's count.
# usage: tests/kqueue/run.sh BUILD [--valgrind]
set -eu

build=${1:?usage: tests/kqueue/run.sh BUILD [--valgrind]}
under=''
if [ "${2:-}" = --valgrind ]; then
    # Checked in the processes that the tests run in, which leak what they have at their ends.
    under='valgrind -q --error-exitcode=99 --trace-children=no --child-silent-after-fork=no'
fi
# The thread sanitizer sleeps a second at every exit unless told otherwise.
TSAN_OPTIONS="${TSAN_OPTIONS:-} atexit_sleep_ms=0"
MINIMIO_SKIPS=$(mktemp)
trap 'rm -f "$MINIMIO_SKIPS"' EXIT
export TSAN_OPTIONS MINIMIO_SKIPS

for like in FREEBSD MACOS OLD_NETBSD; do
    echo "== the kqueue of $like"
    $under "$build/kqueue/$like/tests/kqueue"
done
tests/library/documented_skips.sh kqueue "$MINIMIO_SKIPS"
