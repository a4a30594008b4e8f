#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# minimioctl as process 1, as a container starts it: the kernel gives process 1 no signal that it has no handler for.
# usage: MINIMIO_BUILD=BUILD tests/clients/first_process.sh
set -eu
cd "$(dirname "$0")/../.."
. tests/clients/setup.sh

as_first='unshare -pf --mount-proc'
$as_first true 2>/dev/null || as_first='unshare -rpf --mount-proc'
$as_first true 2>/dev/null || skip 'process namespaces'

start_daemon
start_told_servers 1
server=${targets# }
minimioctl register --loop a 1 "$server" >/dev/null

# A shell starts what is in its background with SIGINT ignored, which stays so, as nohup has it.
defaults='env --default-signal=INT'

# first_of PID: the process 1 below it, when there is one; its parent may be a child of PID.
first_of() {
    local child
    # shellcheck disable=SC2013 # these are words
    for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
        if grep -q '^NSpid:.*[[:space:]]1$' "/proc/$child/status" 2>/dev/null; then
            echo "$child"
        else
            first_of "$child"
        fi
    done
}

# What comes before the program has begun is lost, so the signal is sent until the program has ended.
ends_by() { # ends_by SIGNAL STATUS COMMAND...
    local signal=$1 expected=$2 status=0 tries first
    shift 2
    $defaults "$@" >"$folder/out" 2>"$folder/output" &
    local parent=$!
    pids="$pids $parent"
    for ((tries = 0; tries < 600; tries++)); do
        first=$(first_of "$parent")
        # unshare itself is process 1 until it has become minimioctl, and it ends by a signal like any other
        [ -z "$first" ] || [ "$(cat "/proc/$first/comm" 2>/dev/null)" != minimioctl ] || kill -s "$signal" "$first" || :
        ! timeout 0.1 tail --pid="$parent" -f /dev/null || break
    done
    [ "$tries" -lt 600 ] || { kill -s KILL "$first"; fail "$*: SIG$signal does not end it"; }
    wait "$parent" || status=$?
    [ "$status" = "$expected" ] || fail "$*: ended with $status at SIG$signal, not with $expected"
}

for line in 'wait 127.0.0.1:1' "watch $server" 'events --loop a' 'run --loop a -- true' "connect $server" top 'top --json' \
    "ping --socket $folder/nobody --wait 60s"; do
    # shellcheck disable=SC2086 # these are words on purpose
    {
        ends_by TERM 143 $as_first minimioctl $line
        ends_by INT 130 $as_first minimioctl $line
    }
done
# shellcheck disable=SC2086
ends_by HUP 129 $as_first minimioctl wait 127.0.0.1:1
ends_by TERM 143 env TERM=xterm script -qec "$as_first minimioctl top" /dev/null

# The program that is run is told, and ends in its own time.
mkfifo "$folder/runs"
cat >"$folder/program" <<'END'
trap 'echo told >"$1"; exit 0' TERM
echo runs >"$2"
while :; do read -r line; done
END
$as_first minimioctl run --loop a -- sh "$folder/program" "$folder/told" "$folder/runs" &
parent=$!
pids="$pids $parent"
tell 1
read -r _ <"$folder/runs"
kill "$(first_of "$parent")"
status=0
wait "$parent" || status=$?
[ "$status" = 143 ] || fail "run: ended with $status"
[ "$(cat "$folder/told")" = told ] || fail 'the program that was run was not told'
