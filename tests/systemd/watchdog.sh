#!/bin/sh
# SPDX-License-Identifier: MIT
# A loop that is stuck is started again, an idle one is not; and so is a daemon that dies, as often as it takes.
set -eu
. tests/systemd/box.sh

box_open
box systemd-sysusers
settings watchdog <<'END'
[Service]
WatchdogSec=1s
END
box systemctl start minimiod.service
pid=$(property minimiod.service MainPID)

# Idle for two and a half times the watchdog's time: that the clock runs is the event that is waited for.
box sleep 2.5
equal 'an idle daemon is fed' "$pid 0" "$(property minimiod.service MainPID) $(property minimiod.service NRestarts)"

box kill -STOP "$pid"
await_daemon
equal 'a stuck one was started again' 1 "$(property minimiod.service NRestarts)"
[ "$(property minimiod.service MainPID)" != "$pid" ] || fail 'the same process runs'
contains 'because of the watchdog' 'watchdog' "$(box journalctl --no-pager --unit=minimiod.service --output=cat)"

for signal in KILL ABRT SEGV KILL KILL KILL KILL KILL; do
    box kill "-$signal" "$(property minimiod.service MainPID)"
    await_daemon
done
equal 'one that dies is started again every time' 9 "$(property minimiod.service NRestarts)"
