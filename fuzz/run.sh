#!/bin/sh
# Fuzzes each target for SECONDS, starting from the corpus and the earlier findings. A finding ends the run: the last line
# names the file, and the exit status is 1. New inputs stay in BUILD/work, where the next run continues.
# usage: fuzz/run.sh libfuzzer|afl BUILD SECONDS TARGET...
set -eu
cd "$(dirname "$0")/.."

usage='usage: fuzz/run.sh libfuzzer|afl BUILD SECONDS TARGET...'
engine=${1:?$usage} build=${2:?$usage} seconds=${3:?$usage}
shift 3

# A small quarantine of freed memory suffices, because the inputs are small.
ASAN_OPTIONS=quarantine_size_mb=16:${ASAN_OPTIONS:-}
UBSAN_OPTIONS=print_stacktrace=1
export ASAN_OPTIONS UBSAN_OPTIONS

longest() {
    case $1 in
    session) echo 4096 ;;
    *) echo 1024 ;;
    esac
}

found() { # found TARGET FILE
    echo "fuzz: $1 has a finding: $2" >&2
    echo "fuzz: after the fix, move the file to fuzz/found/$1/" >&2
    exit 1
}

# Prints the last existing file of the arguments, if any.
newest() {
    for file in "$@"; do
        [ ! -e "$file" ] || printf '%s\n' "$file"
    done | tail -n 1
}

with_libfuzzer() {
    target=$1 log=$build/$1.log
    mkdir -p "$build/work/$target" "$build/found"
    rm -f "$build/found/$target-"*
    "$build/fuzz/$target" -max_total_time="$seconds" -max_len="$(longest "$target")" -dict=fuzz/minimio.dict \
        -timeout=20 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$build/found/$target-" \
        "$build/work/$target" "$build/fuzz/seeds/$target" "fuzz/corpus/$target" "fuzz/found/$target" >"$log" 2>&1 || {
        grep -av '^#[0-9]' "$log" >&2
        found "$target" "$(newest "$build/found/$target-"*)"
    }
    sed -n -e 's/^#[0-9]*\tDONE *\(cov: [0-9]* ft: [0-9]*\).*/  \1/p' \
        -e 's/^stat::\(number_of_executed_units\|average_exec_per_sec\): */  \1 /p' "$log"
}

with_afl() {
    target=$1 out=$build/work/$target
    rm -rf "$out"
    mkdir -p "$out/from"
    find "$build/fuzz/seeds/$target" "fuzz/corpus/$target" "fuzz/found/$target" -type f ! -name .gitkeep \
        -exec cp {} "$out/from" \;
    AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
        ASAN_OPTIONS="abort_on_error=1:symbolize=0:detect_leaks=0:$ASAN_OPTIONS" \
        UBSAN_OPTIONS="abort_on_error=1:symbolize=0" \
        afl-fuzz -V "$seconds" -m none -t 5000+ -G "$(longest "$target")" -x fuzz/minimio.dict \
        -i "$out/from" -o "$out" -- "$build/fuzz/$target" >"$out/log" 2>&1 || {
        tail -n 20 "$out/log" >&2
        exit 1
    }
    sed -n 's/^\(execs_done\|execs_per_sec\|corpus_count\|bitmap_cvg\|stability\) *: */  \1 /p' \
        "$out/default/fuzzer_stats"
    finding=$(newest "$out/default/crashes/id"* "$out/default/hangs/id"*)
    [ -z "$finding" ] || found "$target" "$finding"
}

for target; do
    echo "== $target, $seconds s with $engine"
    "with_$engine" "$target"
done
