#!/bin/sh
# SPDX-License-Identifier: MIT
# The units as systemd reads them: no mistake in them, confined, and what they make.
set -eu
. tests/systemd/box.sh

box_open
units=/usr/local/lib/systemd/system

equal 'systemd-analyze verify has nothing to say' '' "$(box systemd-analyze verify --man=no \
    "$units/minimiod.service" "$units/minimiod.socket" "$units/minimiod@.service" "$units/minimiod@.socket" 2>&1)"

for unit in minimiod.service minimiod@.service; do
    box systemd-analyze security --offline=true --threshold=15 --no-pager \
        "$units/$unit" >/dev/null || fail "$unit is exposed by more than 1.5"
    pass "$unit is exposed by 1.5 at most"
done

box systemd-sysusers
box getent group minimio >/dev/null || fail 'there is no group minimio'
pass 'sysusers makes the group'

equal 'the store is as large as the daemon thinks' \
    "$(property minimiod.service ExecStart | sed -n 's/.*--store \([0-9]*\).*/\1/p')" \
    "$(property minimiod.service FileDescriptorStoreMax)"

box systemctl enable --now minimiod.service 2>/dev/null
equal 'the service brings its socket' active "$(box systemctl is-active minimiod.socket)"
equal 'the socket is for the group alone' '660 root:minimio' "$(box stat -c '%a %U:%G' /run/minimio/minimio.sock)"
equal 'its folder is open to all' '755 root:root' "$(box stat -c '%a %U:%G' /run/minimio)"
box systemctl disable --now minimiod.service 2>/dev/null
box systemctl stop minimiod.socket
box test ! -e /run/minimio/minimio.sock || fail 'the socket file is left behind'
pass 'a socket that is stopped leaves no file'

box systemctl start minimiod@one.socket minimiod@two.socket
await_daemon_at /run/minimio/one.sock
await_daemon_at /run/minimio/two.sock
equal 'two instances run beside each other' 'active
active' "$(box systemctl is-active minimiod@one.service minimiod@two.service)"
[ "$(property minimiod@one.service MainPID)" != "$(property minimiod@two.service MainPID)" ] || fail 'one process for two'
equal 'and the one without a name does not' inactive "$(box systemctl is-active minimiod.service || :)"
