#!/bin/sh
# Line coverage of proto/ and daemon/ by the seeds, the corpora and the findings. usage: fuzz/coverage.sh BUILD TARGET...
set -eu
cd "$(dirname "$0")/.."

build=${1:?usage: fuzz/coverage.sh BUILD TARGET...}
shift

covered() { # covered TARGET FOLDER...
    target=$1
    shift
    llvm-cov report "$build/fuzz/$target" -instr-profile="$build/$target.profdata" -show-functions=false \
        -show-region-summary=false -show-branch-summary=false "$@" | grep -E '^Filename|\.c +|^TOTAL'
}

for target; do
    echo "== $target"
    LLVM_PROFILE_FILE=$build/$target.profraw "$build/fuzz/$target" "$build/fuzz/seeds/$target" \
        "fuzz/corpus/$target" "fuzz/found/$target" >/dev/null
    llvm-profdata merge -o "$build/$target.profdata" "$build/$target.profraw"
    case $target in
    session) covered "$target" proto daemon ;;
    *) covered "$target" proto ;;
    esac
done
