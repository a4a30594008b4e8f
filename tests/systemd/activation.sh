#!/bin/sh
# SPDX-License-Identifier: MIT
# The listening socket comes from the manager, by its name.
set -eu
. tests/systemd/box.sh

box_open
box systemd-sysusers
box systemctl start minimiod.socket
equal 'a socket alone starts nothing' inactive "$(box systemctl is-active minimiod.service || :)"
await_daemon
equal 'the first client starts the daemon' active "$(box systemctl is-active minimiod.service)"
file=$(box stat -c %i /run/minimio/minimio.sock)
first=$(property minimiod.service MainPID)

box systemctl restart minimiod.service
await_daemon
[ "$(property minimiod.service MainPID)" != "$first" ] || fail 'it was not restarted'
equal 'a restart leaves the socket file alone' "$file" "$(box stat -c %i /run/minimio/minimio.sock)"

box systemctl stop minimiod.service
equal 'a stop leaves it too' "$file" "$(box stat -c %i /run/minimio/minimio.sock)"
await_daemon
pass 'a client that comes after a stop starts it again'

# A second socket of the same service, whose clients would wait for ever.
box systemctl stop minimiod.service minimiod.socket
box tee /etc/systemd/system/another.socket >/dev/null <<'END'
[Socket]
ListenStream=/run/another.sock
FileDescriptorName=another.socket
Service=minimiod.service
END
settings another <<'END'
[Service]
Sockets=another.socket minimiod.socket
END
box systemctl start another.socket minimiod.socket
box systemctl start minimiod.service 2>/dev/null && fail 'it starts with a socket that it does not use'
contains 'a second socket is an error' '(another.socket) was passed and cannot be used' \
    "$(box journalctl --no-pager --unit=minimiod.service)"
box systemctl stop another.socket minimiod.socket minimiod.service
box rm /etc/systemd/system/another.socket /etc/systemd/system/minimiod.service.d/another.conf
box systemctl daemon-reload
box systemctl reset-failed

# systemd-socket-activate gives no name, or one by option.
for name in '' --fdname=minimio.socket --fdname=x.socket; do
    # shellcheck disable=SC2086 # no name is no argument
    box systemd-run --quiet --collect --unit=by-hand --service-type=exec \
        systemd-socket-activate -l /run/by-hand.sock $name /usr/local/bin/minimiod
    until box test -S /run/by-hand.sock; do :; done
    await_daemon_at /run/by-hand.sock
    box systemctl stop by-hand.service
    pass "systemd-socket-activate $name"
    box rm /run/by-hand.sock
done

# What is no listening socket is not taken for one, whatever its name.
box systemd-run --quiet --collect --unit=by-hand --service-type=exec \
    systemd-socket-activate --datagram -l /run/by-hand.sock --fdname=minimio.socket \
    /usr/local/bin/minimiod --socket /run/own.sock
until box test -S /run/by-hand.sock; do :; done
box python3 -c 'import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", "/run/by-hand.sock")'
until box journalctl --no-pager --unit=by-hand.service | grep -q 'cannot be used: it is not a stream socket'; do :; done
box test ! -S /run/own.sock || fail 'it listens at a socket of its own'
pass 'a datagram socket is an error'
