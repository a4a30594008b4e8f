#!/bin/sh
# Line coverage of proto/ and daemon/ by the corpora and what was found. usage: fuzz/coverage.sh BUILD TARGET...
set -eu
cd "$(dirname "$0")/.."

build=${1:?usage: fuzz/coverage.sh BUILD TARGET...}
shift
for target; do
    LLVM_PROFILE_FILE=$build/$target.profraw "$build/fuzz/$target" "fuzz/corpus/$target" "fuzz/found/$target" \
        >/dev/null
    llvm-profdata merge -o "$build/$target.profdata" "$build/$target.profraw"
    echo "== $target"
    llvm-cov report "$build/fuzz/$target" -instr-profile="$build/$target.profdata" -show-functions=false \
        -show-region-summary=false -show-branch-summary=false \
        "$([ "$target" = session ] && echo daemon || echo proto)" "$([ "$target" = session ] && echo proto || echo libminimio)" |
        grep -E '^(Filename|[a-z_]+\.c|daemon|proto|libminimio|TOTAL)'
done
