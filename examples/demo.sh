#!/bin/sh
# The demo: three servers that answer with a delay, one daemon, and the tokens in the order of readiness.
# The output is the same in each run, except for the port numbers.
# usage: examples/demo.sh BUILD
set -eu

build=${1:-build}
folder=$(mktemp -d)
daemon='' servers=''

# shellcheck disable=SC2317 # called by the trap
clean_up() {
    trap - EXIT INT TERM
    for pid in $daemon $servers; do
        kill "$pid" 2>/dev/null || :
        wait "$pid" 2>/dev/null || :
    done
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    echo "demo: $1" >&2
    [ ! -s "$folder/minimiod.log" ] || cat "$folder/minimiod.log" >&2
    exit 1
}

export MINIMIO_SOCKET="$folder/minimio.sock"

"$build/minimiod" --socket "$MINIMIO_SOCKET" 2>"$folder/minimiod.log" &
daemon=$!
"$build/minimioctl" ping --wait 5s >/dev/null || fail 'the daemon did not start'

# The servers print their ports after opening them; reading from a fifo waits for the lines.
mkfifo "$folder/ports"
"$build/examples/delay_server" 900 300 600 >"$folder/ports" &
servers=$!
targets='' what=''
while read -r port delay; do
    targets="$targets 127.0.0.1:$port"
    what="$what    127.0.0.1:$port greets after $delay ms
"
    case $what in *" 900 "*" 300 "*" 600 "*) break ;; esac
done <"$folder/ports"
[ -n "$targets" ] || fail 'the servers did not start'

echo 'Three servers, each of which greets its clients after a delay and then closes the connection:'
printf '%s' "$what"
echo
echo 'minimiod connects to all three, as tokens 1, 2 and 3, and reports which token is ready:'
echo "+ minimioctl watch$targets"
# shellcheck disable=SC2086 # the targets are words on purpose
{ "$build/minimioctl" watch --timeout 10s $targets || echo "failed $?" >"$folder/failed"; } | tee "$folder/events"
[ ! -e "$folder/failed" ] || fail "watch $(cat "$folder/failed")"

# One event for each server, in the order of the delays: greeting and end of the stream arrive together.
# shellcheck disable=SC2086 # the targets are words on purpose
set -- $targets
printf '%s\n' "2  $2  readable,read_closed" "3  $3  readable,read_closed" "1  $1  readable,read_closed" >"$folder/expected"
diff "$folder/expected" "$folder/events" >&2 || fail 'the events differ from the expected events'
echo
echo 'Registered as 1 2 3, ready as 2 3 1: a single wait for all three, without busy polling and without threads.'
