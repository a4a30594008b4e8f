#!/bin/sh
# SPDX-License-Identifier: MIT
# minimiod.conf under the manager: read by the confined daemon, read again on reload, and where a restart finds an error
# in it, tried again until it is mended, with what the manager keeps still there.
set -eu
. tests/systemd/box.sh

box_open
box systemd-sysusers
box useradd --no-create-home --user-group --groups minimio anna
box useradd --no-create-home --user-group --groups minimio bert

configure() {
    box mkdir -p /etc/minimio
    box tee /etc/minimio/minimiod.conf >/dev/null
}

sessions() {
    box minimioctl --timeout 10s --json hello | jq .limits.sessions
}

configure <<'END'
[limits]
sessions = 77
[targets]
deny = 127.0.0.0/8
END
box systemctl start minimiod.service
equal 'a confined daemon reads it' 77 "$(sessions)"
contains 'and holds to its rules' DENIED "$(box minimioctl call register '{"token": 1, "address": "127.0.0.1:9"}' 2>&1 || :)"

configure <<'END'
[limits]
sessions = 78
[access]
users = anna
END
box systemctl reload minimiod.service
box_as anna minimioctl ping >/dev/null || fail 'a user that is listed may not connect'
contains 'a reload has it read again' DENIED "$(box_as bert minimioctl ping 2>&1 || :)"

configure <<'END'
[limits]
sessions = many
END
pid=$(property minimiod.service MainPID)
box systemctl reload minimiod.service
box_as anna minimioctl ping >/dev/null || fail 'an error in it changes what holds'
equal 'an error in it ends nothing' "$pid" "$(property minimiod.service MainPID)"

box_as anna minimioctl call open_loop '{"name": "kept"}' >/dev/null
box systemctl restart minimiod.service 2>/dev/null && fail 'it starts with an error in its configuration'
pass 'with an error in it the daemon does not start'
configure <<'END'
[limits]
sessions = 79
END
equal 'and does when it is mended' 79 "$(sessions)"
equal 'with what the manager has kept' kept "$(box_as anna minimioctl --json call loops | jq -r '.loops[].name')"
