#!/bin/sh
# SPDX-License-Identifier: MIT
# Named loops survive the daemon: restarted, killed, aborted and stuck, with streams and traffic all the while. No
# connection closed, no registration, readiness or byte lost, and back in service within a second each time.
# MINIMIO_RESTARTS and MINIMIO_STREAMS say how often and with how many.
set -eu
BOX_SECONDS=1800
. tests/systemd/box.sh

RESTARTS=${MINIMIO_RESTARTS:-12}
STREAMS=${MINIMIO_STREAMS:-500}
MOST_MS=1000
WATCHDOG_MS=500

box_open
box systemd-sysusers
settings watchdog <<END
[Service]
WatchdogSec=${WATCHDOG_MS}ms
END
box systemctl start minimiod.service
box tee /run/load.py <tests/systemd/load.py >/dev/null
mkfifo "$box_folder/said"
box python3 /run/load.py --durable --streams "$STREAMS" >"$box_folder/said" 2>"$box_folder/load" &
load=$!
exec 8<"$box_folder/said"
read -r said <&8 || fail "no load: $(cat "$box_folder/load")"
equal 'the load is on' loaded "$said"

# The daemon answers again, and with everybody's loops: the load's sessions came before this one's question.
for i in $(seq "$RESTARTS"); do
    # The manager too is upgraded now and then, and keeps what it was given. A manager that takes longer for that than the
    # watchdog's time has not read that the daemon is well, and ends it.
    [ $((i % 6)) != 5 ] || box systemctl daemon-reexec
    await_daemon
    pid=$(property minimiod.service MainPID)
    case $((i % 4)) in
    0) box systemctl restart minimiod.service ;;
    1) box kill -KILL "$pid" ;;
    2) box kill -ABRT "$pid" ;;
    3) box kill -STOP "$pid" ;;
    esac
    await_daemon
    [ "$(property minimiod.service MainPID)" != "$pid" ] || fail "restart $i: the same process runs"
done
pass "$RESTARTS restarts"

box pkill -TERM -f /run/load.py
read -r said <&8 || fail "the load ended without a word: $(cat "$box_folder/load")"
echo "$said"
wait "$load" || fail 'something was lost'
pass 'nothing was lost'
longest=$(printf '%s' "$said" | jq .longest_outage_ms)
[ "$longest" -le "$MOST_MS" ] || fail "out of service for $longest ms"
pass 'back in service in time'
# The streams, those that came and went at the end (two in each of eight loops), and what describes them: no more.
kept=$(property minimiod.service NFileDescriptorStore)
if [ "$kept" -le "$STREAMS" ] || [ "$kept" -gt $((STREAMS + 20)) ]; then
    fail "the manager keeps $kept descriptors for $STREAMS streams"
fi
pass 'the manager keeps every stream, and nothing else'

box systemctl stop minimiod.service
equal 'a stop empties the store' 0 "$(property minimiod.service NFileDescriptorStore)"
