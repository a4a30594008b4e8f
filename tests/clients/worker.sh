#!/bin/sh
# Runs the worker to copy twice: both share the connections, and one is killed while it has an event.
# usage: MINIMIO_BUILD=BUILD tests/clients/worker.sh
set -eu
cd "$(dirname "$0")/../.."
. tests/clients/setup.sh

require python3
start_daemon
start_told_servers 2

registrations() {
    minimioctl list --loop shared --json 2>"$folder/output"
}

# The first worker is stopped before its event comes. The event is leased to the worker nevertheless.
# shellcheck disable=SC2086 # the targets are words on purpose
python3 examples/clients/worker.py shared $targets >"$folder/first" 2>&1 &
first=$!
pids="$pids $first"
until registrations | grep -c '"armed"' | grep -q 2; do kill -0 "$first" || fail 'the first worker ended'; done
kill -STOP "$first"
tell 1
until registrations | grep -q '"leased":true'; do :; done

mkfifo "$folder/lines"
# shellcheck disable=SC2086
python3 examples/clients/worker.py shared $targets >"$folder/lines" 2>&1 &
second=$!
pids="$pids $second"
exec 5<"$folder/lines"
tell 2
read -r line <&5
[ "$line" = '2: hello' ] || fail "the second worker printed '$line' first"
registrations | grep -q '"leased":true' || fail 'the first worker has lost its event too early'
kill -KILL "$first"
read -r line <&5
[ "$line" = '1: hello' ] || fail "the second worker printed '$line' after the death of the first"
[ ! -s "$folder/first" ] || fail 'the first worker printed something'
minimioctl close-loop --loop shared
! wait "$second" || fail 'the second worker outlives its loop'
read -r line <&5
[ "$line" = 'worker.py: the loop has ended' ] || fail "it ended with '$line'"
