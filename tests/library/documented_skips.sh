#!/bin/sh
# What a run of the library's tests has skipped is what the table of ARCHITECTURE.md says, case by case and reason by
# reason.
# usage: tests/library/documented_skips.sh BACKEND SKIPS    SKIPS: the file that the run wrote for MINIMIO_SKIPS
set -eu
cd "$(dirname "$0")/../.."

backend=${1:?usage: tests/library/documented_skips.sh BACKEND SKIPS}
skips=${2:?usage: tests/library/documented_skips.sh BACKEND SKIPS}

# A run of some of the tests skips some of that.
if [ -n "${CK_RUN_SUITE:-}${CK_RUN_CASE:-}" ]; then
    exit
fi
documented=$(mktemp)
trap 'rm -f "$documented"' EXIT
awk -F ' [|] ' -v backend="| $backend" '$1 == backend {
    sub(/ [|]$/, "", $3)
    count = split($2, names, "`")
    for (i = 2; i <= count; i += 2)
        print names[i] ": " $3
}' ARCHITECTURE.md | sort -u >"$documented"
# Windows ends its lines in its own way.
if ! tr -d '\r' <"$skips" | sort -u | diff "$documented" -; then
    echo "$backend: what was skipped (>) is not what ARCHITECTURE.md says (<)" >&2
    exit 1
fi
