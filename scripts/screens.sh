#!/bin/sh
# The screens of README.md: what a terminal shows, made by the real programs. A screen is a block of code behind a line
# `<!-- screen: … -->`. Its lines that begin with `$ ` are run as commands of the shell; all other lines are their output.
# The commands run in a folder with the programs of README.md as files, against a daemon and four servers.
# usage: MINIMIO_BUILD=BUILD scripts/screens.sh [--check|--write]
#   without an option README.md is printed with new screens; --write changes README.md; --check fails if README.md has
#   other screens, apart from port numbers, the user's number, durations, and the number of streams that are ready
set -eu
cd "$(dirname "$0")/.."

# A busy machine may hold up a command for longer than the delays of the servers differ: the check has some tries.
if [ "${1:-}" = --check ]; then
    for _ in 1 2 3 4 5 6 7 8; do
        status=0
        scripts/screens.sh --check-once || status=$?
        [ $status = 1 ] || break
    done
    exit "$status"
fi
. tests/clients/setup.sh

project=$PWD
readme=$project/README.md
for program in python3 jq nc; do
    require "$program"
done

# ---- What the commands find -----------------------------------------------------------------------------------------

extract() { # extract LANGUAGE FILE
    awk -v fence="\`\`\`$1" '$0 == fence { inside = 1; next } /^```/ { inside = 0 } inside' "$readme" >"$work/$2"
    [ -s "$work/$2" ] || fail "README.md has no block '$1'"
}

# The servers' ports as README.md has them: 7001 greets after 900 ms, 7002 after 300, 7003 after 600,
# 7004 after an hour. Screens do not depend on how long a command takes to start: in a named loop one stream stays silent.
to_real='' to_shown=''
map_ports() {
    shown=7001
    for target in "$@"; do
        to_real="$to_real;s/127\\.0\\.0\\.1:$shown\\b/127.0.0.1:@${target#*:}/g"
        to_shown="$to_shown;s/127\\.0\\.0\\.1:${target#*:}\\b/127.0.0.1:$shown/g"
        shown=$((shown + 1))
    done
}

# The demo has servers of its own, the first of which greets after 900 ms and so on.
# shellcheck disable=SC2317 # called by the commands of README.md
make() {
    [ "$*" = demo ] || fail "README.md runs make $*"
    (cd "$project" && examples/demo.sh "$build") >"$folder/demo"
    sed "$(sed -nE 's/^ *127\.0\.0\.1:([0-9]+) greets after ([0-9]+) ms$/\2 \1/p' "$folder/demo" |
        sed -E 's/^900 (.*)/s,:\1\\b,:7001,g/; s/^300 (.*)/s,:\1\\b,:7002,g/; s/^600 (.*)/s,:\1\\b,:7003,g/')" "$folder/demo"
}

# Against the libraries of the build, where README.md has those that are installed.
# shellcheck disable=SC2317
cc() {
    # shellcheck disable=SC2086 # options are words on purpose
    command ${CC:-cc} ${SANITIZE:+-fsanitize=$SANITIZE} "$@"
}

prepare() {
    work=$folder/work
    mkdir "$work"
    extract python ready.py
    extract sh ready.sh
    extract c ready.c
    extract ini rules.conf
    library=$(cd "$build" && pwd)
    printf '%s\n' 'Name: minimio' 'Description: the library of the build' 'Version: 0' "Cflags: -I$project/libminimio" \
        "Libs: -L$library -lminimio -Wl,-rpath,$library" >"$folder/minimio.pc"
    export PKG_CONFIG_PATH="$folder"
    export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" # ready.c leaves its memory to the end of the process
    "$MINIMIO_BUILD/minimiod" --socket "$folder/rules.sock" --config "$work/rules.conf" 2>"$folder/output" &
    pids="$pids $!"
    minimioctl --socket "$folder/rules.sock" ping --wait 20s >/dev/null
    start_daemon
    start_servers 900 300 600 3600000
    # shellcheck disable=SC2086 # the targets are words on purpose
    map_ports $targets
}

# ---- The screens ----------------------------------------------------------------------------------------------------

run() { # run COMMAND
    command=$(printf '%s\n' "$1" | sed "$to_real;s/:@/:/g;s,/tmp/rules\\.sock,$folder/rules.sock,g")
    (
        cd "$work"
        eval "$command"
    ) </dev/null 2>&1 | sed "$to_shown;s/ *\$//"
}

make_screens() {
    state=outside
    while IFS= read -r line <&8 || [ -n "$line" ]; do
        case $state:$line in
        outside:'<!-- screen:'*) state=marked ;;
        marked:'```') state=inside ;;
        inside:'```') state=outside ;;
        inside:'$ '*)
            printf '%s\n' "$line"
            run "${line#$ }"
            continue
            ;;
        inside:*) continue ;;
        esac
        printf '%s\n' "$line"
    done 8<"$readme"
    [ "$state" = outside ] || fail 'a screen of README.md has no end'
}

# Each output of a screen with its lines in order of their text: what happens at the same time is printed in any order.
sort_outputs() {
    python3 -c '
import sys
fences, output = 0, []
for line in sys.stdin:
    if line.startswith("<!-- screen:"):
        fences = 2
    elif fences == 1 and not line.startswith(("$ ", "```")):
        output.append(line)
        continue
    elif fences and line.startswith("```"):
        fences -= 1
    sys.stdout.writelines(sorted(output) + [line])
    output = []
'
}

normalize() {
    sed -E 's/127\.0\.0\.1:[0-9]{4,}/127.0.0.1:PORT/g; s/ after [0-9.]+m?s$/ after TIME/
        s/^(fleet +)[0-9]+( +[0-9]+ +)[0-9]+/\1UID\2READY/; s/ +$//; s/ {2,}/  /g' | sort_outputs
}

case ${1:-} in
'' | --check-once | --write) ;;
*)
    echo 'usage: scripts/screens.sh [--check|--write]' >&2
    exit 2
    ;;
esac
prepare
make_screens >"$folder/README"
case ${1:-} in
'') cat "$folder/README" ;;
--write) cat "$folder/README" >"$readme" ;;
--check-once)
    normalize <"$readme" >"$folder/there"
    normalize <"$folder/README" >"$folder/made"
    diff "$folder/there" "$folder/made" || {
        echo 'screens.sh: the programs print other screens than README.md shows: scripts/screens.sh --write' >&2
        exit 1
    }
    ;;
esac
