#!/bin/sh
# SPDX-License-Identifier: MIT
# What the manager is told: ready, reloading, stopping, and a line for people.
set -eu
. tests/systemd/box.sh

box_open
box systemd-sysusers
box systemctl start minimiod.service
equal 'start waits until it is ready' 'active running' \
    "$(property minimiod.service ActiveState) $(property minimiod.service SubState)"
equal 'the status says whom it serves' '0 sessions, 0 loops, 0 registrations' "$(property minimiod.service StatusText)"

pid=$(property minimiod.service MainPID)
box python3 - <<'END' || fail 'a reload ends a session'
import socket, subprocess

daemon = socket.socket(socket.AF_UNIX)
daemon.settimeout(10)
daemon.connect("/run/minimio/minimio.sock")
lines = daemon.makefile()
for reload in (False, True):
    if reload:
        subprocess.run(["systemctl", "reload", "minimiod.service"], check=True)
    daemon.send(b'{"jsonrpc":"2.0","id":1,"method":"ping"}')
    assert "result" in lines.readline()
END
pass 'a reload ends no session'
equal 'a reload keeps the process' "$pid" "$(property minimiod.service MainPID)"
equal 'after a reload it is ready again' 'active running' \
    "$(property minimiod.service ActiveState) $(property minimiod.service SubState)"

box systemctl stop minimiod.service
equal 'it ends well' 'success 0' "$(property minimiod.service Result) $(property minimiod.service ExecMainStatus)"
contains 'and said that it was stopping' 'stopping: ' "$(box journalctl --no-pager --unit=minimiod.service --output=cat)"

# Levels reach the journal as levels, not as text.
box minimioctl --timeout 5s ping >/dev/null
equal 'the journal knows levels' 6 \
    "$(box journalctl --no-pager --unit=minimiod.service --output=json --lines=1 _COMM=minimiod | jq -r .PRIORITY)"
