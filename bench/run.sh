#!/bin/sh
# Runs the benches of a build, or the one that BENCH names. usage: bench/run.sh BUILD
set -eu
cd "$(dirname "$0")/.."

build=${1:?usage: bench/run.sh BUILD}
for bench in "$build"/bench/* bench/*.py; do
    name=$(basename "$bench" .py)
    if [ -x "$bench" ] && { [ -z "${BENCH:-}" ] || [ "$BENCH" = "$name" ]; }; then
        echo "== $name"
        case $bench in
        *.py) "$bench" "$build" ;;
        *) "$bench" ;;
        esac
    fi
done
