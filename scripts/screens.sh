#!/bin/sh
# The README's screens: what a terminal shows, from the real programs.
# usage: MINIMIO_BUILD=BUILD scripts/screens.sh [--check|--write]
#   without an option they are printed; --write puts them into README.md; --check fails where README.md has others, but
#   for ports, the user's number, and what depends on when a stream's end comes: others in each run.
set -eu
cd "$(dirname "$0")/.."
. tests/clients/setup.sh

run() { # run COMMAND…: as it is typed, and what it prints
    echo "\$ $*"
    "$@" 2>&1
}

screens() {
    echo '```'
    run minimioctl register --loop fleet 1 "$1"
    run minimioctl register --loop fleet 2 "$2"
    run minimioctl events --loop fleet --count 2
    run minimioctl read --loop fleet 2
    run minimioctl loops
    echo '```'
}

begin='<!-- screens: made by scripts/screens.sh -->'
end='<!-- end of the screens -->'

start_daemon
start_servers 200 100
# shellcheck disable=SC2086 # the targets are words on purpose
screens $targets >"$folder/screens"

case ${1:-} in
'') cat "$folder/screens" ;;
--write)
    awk -v begin="$begin" -v end="$end" -v screens="$folder/screens" '
        $0 == end { hidden = 0 }
        !hidden
        $0 == begin { hidden = 1; while ((getline line <screens) > 0) print line }' README.md >"$folder/README"
    cat "$folder/README" >README.md
    ;;
--check)
    awk -v begin="$begin" -v end="$end" '$0 == end { shown = 0 } shown; $0 == begin { shown = 1 }' README.md >"$folder/there"
    for file in there screens; do
        sed -E 's/127\.0\.0\.1:[0-9]+/127.0.0.1:PORT/g; s/^(fleet +)[0-9]+( +[0-9]+ +)[0-9]+/\1UID\2READY/; s/,read_closed$//; s/ +$//; s/ {2,}/  /g' "$folder/$file" >"$folder/$file.same"
    done
    diff "$folder/there.same" "$folder/screens.same" || {
        echo "screens.sh: README.md shows other screens than the programs do: scripts/screens.sh --write" >&2
        exit 1
    }
    ;;
*)
    echo 'usage: scripts/screens.sh [--check|--write]' >&2
    exit 2
    ;;
esac
