#!/bin/sh
# How much of the library, proto and the daemon the tests run: gcovr's table, and a failure below the bars.
# usage: tests/coverage/run.sh BUILD    a build with --coverage, and the kqueue backend's in BUILD/kqueue
set -eu
cd "$(dirname "$0")/../.."

build=${1:?usage: tests/coverage/run.sh BUILD}
LINES=95 BRANCHES=85
# The counters cost time.
CK_TIMEOUT_MULTIPLIER=20
export CK_TIMEOUT_MULTIPLIER

passes() {
    "$@" >"$build/suite.log" 2>&1 && grep -q '^100%: Checks: [1-9]' "$build/suite.log" # a name that is no suite's runs none
}

# Some time limits are tight for what counts: what fails has a second try.
run() { # run NAME COMMAND…
    name=$1
    shift
    passes "$@" || passes "$@" || {
        cat "$build/suite.log"
        echo "coverage: $name failed" >&2
        exit 1
    }
}

# What is built against an installed system, or runs in a box, leaves no counters here, nor do scripts add anything new.
suites=$(sed -n 's/^Suite \*\(.*\)_suite(void);/\1/p' tests/main.c | grep -vx -e installed -e systemd -e client_scripts)
find "$build" -name '*.gcda' -delete
for suite in $suites; do
    run "$suite" env CK_RUN_SUITE="$suite" tests/run.sh "$build"
done
run kqueue "$build/kqueue/tests/kqueue"

gcovr --root . --filter libminimio/ --filter proto/ --filter daemon/ --fail-under-line "$LINES" \
    --fail-under-branch "$BRANCHES" --print-summary "$build"
