#!/bin/sh
# Runs every test of a build, or those of CK_RUN_SUITE; the last line is Check's count.
# usage: tests/run.sh BUILD [--valgrind]    the latter: the programs of the build run under valgrind
# MINIMIO_TESTS=FILE: another build's test program, in place of the build's own
set -eu
cd "$(dirname "$0")/.."

build=${1:?usage: tests/run.sh BUILD [--valgrind]}
# The thread sanitizer sleeps a second at every exit unless told otherwise.
TSAN_OPTIONS="${TSAN_OPTIONS:-} atexit_sleep_ms=0"
# What was freed is kept aside for a while, 256 MiB of it: each test is a fork that would have to copy the tables for them.
ASAN_OPTIONS="${ASAN_OPTIONS:-} quarantine_size_mb=16"
# The tests' limits of time are for what hangs: a busy machine must not meet them.
CK_TIMEOUT_MULTIPLIER=${CK_TIMEOUT_MULTIPLIER:-5}
MINIMIO_BUILD=$build
PATH=$(scripts/python_path.sh) # tests start Python some hundred times
export CK_TIMEOUT_MULTIPLIER TSAN_OPTIONS ASAN_OPTIONS MINIMIO_BUILD

if [ "${2:-}" = --valgrind ]; then
    MINIMIO_BUILD=$build/valgrind
    export MINIMIO_VALGRIND=1
    mkdir -p "$MINIMIO_BUILD"
    ln -sfn ../examples "$MINIMIO_BUILD/examples"
    ln -sfn ../minimioctl "$MINIMIO_BUILD/minimioctl"
    ln -sfn ../tests "$MINIMIO_BUILD/tests"
    cat >"$MINIMIO_BUILD/minimiod" <<END
#!/bin/sh
exec valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect "$build/minimiod" "\$@"
END
    chmod +x "$MINIMIO_BUILD/minimiod"
fi
exec "${MINIMIO_TESTS:-$build/tests/all}"
