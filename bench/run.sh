#!/bin/sh
# Runs the bench that BENCH names; without BENCH runs all benches and writes RESULTS.md. Also writes the figures of daemon
# and library as JSON into the build folder. usage: bench/run.sh BUILD
set -eu
cd "$(dirname "$0")/.."

build=${1:?usage: bench/run.sh BUILD}
case ${BENCH:-} in
'')
    rm -f "$build/bench/failed"
    { bench/results.sh "$build" || touch "$build/bench/failed"; } | tee "$build/RESULTS.md"
    [ ! -e "$build/bench/failed" ] || exit 1
    cp "$build/RESULTS.md" bench/RESULTS.md
    ;;
daemon | library) "$build/bench/$BENCH" --json-file "$build/bench/$BENCH.json" ;;
neighbours | calls) "$build/bench/$BENCH" ;;
*) "bench/$BENCH.py" "$build" ;;
esac
