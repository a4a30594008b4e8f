#!/bin/sh
# SPDX-License-Identifier: MIT
# Real users: the group may connect and others may not; each has loops of its own.
set -eu
. tests/systemd/box.sh

box_open
box systemd-sysusers
for user in anna bert; do
    box useradd --no-create-home --user-group --groups minimio "$user"
done
box useradd --no-create-home --user-group otto
box systemctl start minimiod.socket

box_as anna minimioctl ping >/dev/null || fail 'a member of the group may not connect'
pass 'a member of the group may connect'
refused=$(box_as otto minimioctl ping 2>&1) && fail 'who is no member may connect'
contains 'others are refused' 'ermission denied' "$refused"

# loop USER NAME    opens a loop of that name, and says whether it is new
loop() {
    box_as "$1" minimioctl --json call open_loop "{\"name\": \"$2\"}" | jq -r .created
}

equal 'one user has a loop' true "$(loop anna x)"
equal 'and finds it again' false "$(loop anna x)"
equal "another's of that name is another" true "$(loop bert x)"
equal 'each sees its own' "$(box id -u bert)" "$(box_as bert minimioctl --json call loops | jq -r '.loops[].uid')"
equal 'root sees all' "$(printf '%s\n%s' "$(box id -u anna)" "$(box id -u bert)")" \
    "$(box minimioctl --json call loops | jq -r '.loops[].uid' | sort -n)"

# Without the manager's socket the daemon makes it, and gives it to the group itself.
box systemctl stop minimiod.socket minimiod.service
box mkdir -p /run/minimio
box systemd-run --quiet --collect --unit=by-hand --service-type=notify /usr/local/bin/minimiod
await_daemon
equal 'started by hand as root it gives its socket to the group' '660 root:minimio' \
    "$(box stat -c '%a %U:%G' /run/minimio/minimio.sock)"
equal 'and has nothing to say about that' '' \
    "$(box journalctl --no-pager --unit=by-hand.service --output=cat | grep 'not given' || :)"
box_as anna minimioctl ping >/dev/null || fail 'a member of the group may not connect'
box systemctl stop by-hand.service
