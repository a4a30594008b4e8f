#!/bin/sh
# Writes the page of one run of all benches, to standard output; the daemon's and the library's figures go as JSON into
# the build too. usage: bench/results.sh BUILD
set -eu
cd "$(dirname "$0")/.."

build=${1:?usage: bench/results.sh BUILD}
processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort -u | head -n 1)
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain -uno 2>/dev/null)" ] || commit="$commit and changes"
cat <<PAGE
# Results

Written by \`make bench\`; what the figures mean is in [README.md](README.md). Figures of one run: compare
ratios, not nanoseconds of different runs.

- machine: $processor, $(nproc) processors
- system: $(uname -s) $(uname -r | cut -d . -f 1,2)
- compiler: $(${CC:-cc} --version | head -n 1), \`${CFLAGS:--O2 -g}\`
- commit: $commit

## daemon

Each cost stands beside what it is held to; the bar is the most that the ratio may be, or where there is nothing beside
it the cost itself.

PAGE
"$build/bench/daemon" --markdown --json-file "$build/bench/daemon.json"

# block NAME COMMAND...: its output as it is.
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
