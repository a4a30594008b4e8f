#!/bin/sh
# Runs all benches and writes the results page to standard output; also writes the figures of daemon and library as JSON
# into the build folder. usage: bench/results.sh BUILD
set -eu
cd "$(dirname "$0")/.."

build=${1:?usage: bench/results.sh BUILD}
processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort -u | head -n 1)
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain -uno 2>/dev/null)" ] || commit="$commit and changes"
cat <<PAGE
# Results

Written by \`make bench\`; [README.md](README.md) explains the figures. All figures are from one run: compare
ratios, not nanoseconds of different runs.

- machine: $processor, $(nproc) processors
- system: $(uname -s) $(uname -r | cut -d . -f 1,2)
- compiler: $(${CC:-cc} --version | head -n 1), \`${CFLAGS:--O2 -g}\`
- commit: $commit

## daemon

Each row compares a cost with a reference. The bar is the largest permitted ratio, or without a reference the largest
permitted cost.

PAGE
"$build/bench/daemon" --markdown --json-file "$build/bench/daemon.json"

# block NAME COMMAND...: prints the output of COMMAND as a literal block.
block() {
    printf '\n## %s\n\n```\n' "$1"
    shift
    "$@"
    printf '```\n'
}
block library "$build/bench/library" --json-file "$build/bench/library.json"
block neighbours "$build/bench/neighbours"
block calls "$build/bench/calls"
for bench in rejoin wait top; do
    block "$bench" "bench/$bench.py" "$build"
done

printf '\n## where\n\nSee [WHERE_TIME_GOES.md](WHERE_TIME_GOES.md).\n\n'
bench/where.py "$build"
