#!/bin/sh
# Runs the library's tests for Windows under wine: without a display, in a prefix of the build's own, and with an end
# to everything it started, however it ends. What was skipped must be what is documented.
# usage: tests/windows/run.sh BUILD TOOLS    TOOLS: what the names of the cross compiler's tools begin with
set -eu
cd "$(dirname "$0")/../.."

build=${1:?usage: tests/windows/run.sh BUILD TOOLS}
tools=${2-}
limit_s=900

# Every function of the header is in the library.
names=$("${tools}nm" -g --defined-only "$build/libminimio.a" | awk '$2 == "T" { print $3 }')
declared=$(sed -n 's/^[a-z].*[ *]\(minimio_[a-z_]*\)(.*/\1/p' libminimio/minimio.h | sort -u)
[ -n "$declared" ]
for name in $declared; do
    if ! printf '%s\n' "$names" | grep -qx "$name"; then
        echo "windows: $name is declared and not in the library" >&2
        exit 1
    fi
done
echo "windows: all $(printf '%s\n' "$declared" | wc -l) functions of minimio.h are in the library"

find_wine() {
    for candidate in "${WINE:-}" wine64 wine /usr/lib/wine/wine64; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    echo 'windows: there is no wine' >&2
    exit 1
}
wine=$(find_wine)
server=$(command -v wineserver || command -v /usr/lib/wine/wineserver || command -v /usr/lib/wine/wineserver64)

mkdir -p "$build/tests"
WINEPREFIX=$(cd "$build" && pwd)/prefix
MINIMIO_SKIPS=$(mktemp)
# Neither a desktop nor dialogues, and none of the parts that would be downloaded.
WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml,winemenubuilder.exe=' WINEARCH=win64
export WINEPREFIX WINEDEBUG WINEDLLOVERRIDES WINEARCH MINIMIO_SKIPS
unset DISPLAY WAYLAND_DISPLAY

# What is left of this prefix's processes when its server has gone without them.
kill_orphans() {
    for environment in /proc/[0-9]*/environ; do
        pid=${environment#/proc/}
        pid=${pid%/environ}
        if [ "$pid" != $$ ] && tr '\0' '\n' <"$environment" | grep -qx "WINEPREFIX=$WINEPREFIX"; then
            kill -KILL "$pid" || true
        fi
    done 2>/dev/null
}

end() {
    status=$?
    trap '' INT TERM
    timeout 20 "$server" -k 2>/dev/null || true
    kill_orphans
    rm -f "$MINIMIO_SKIPS"
    exit "$status"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Killed, for wine's processes do not heed a request once its server is gone.
timeout -s KILL "$limit_s" "$wine" "$build/tests/all.exe"
tests/library/documented_skips.sh windows "$MINIMIO_SKIPS"
