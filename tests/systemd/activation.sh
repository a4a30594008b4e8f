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

# Another socket of the same service, passed first: the name decides, not the place.
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
await_daemon
box minimioctl --socket /run/another.sock --timeout 100ms ping >/dev/null 2>&1 && fail 'it listens at a socket of another name'
pass 'of two sockets it takes the one of its name'
# The other socket first: that client of it still waits, and would have the service started again.
box systemctl stop another.socket
box systemctl stop minimiod.socket minimiod.service

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
until box test -S /run/own.sock; do :; done
await_daemon_at /run/own.sock
pass 'a datagram socket is no listener'
