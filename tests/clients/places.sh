#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Where minimiod listens and minimioctl connects for root and for other users, and that the hint where no daemon is there
# names a command that works.
# usage: MINIMIO_BUILD=BUILD tests/clients/places.sh
set -eu
cd "$(dirname "$0")/../.."
. tests/clients/setup.sh

[ "$(id -u)" = 0 ] || skip 'root'
command -v setpriv >/dev/null || skip 'the program setpriv'
unshare -m true 2>/dev/null || skip 'mount namespaces'
if [ -z "${places_inside:-}" ]; then
    clean_up
    places_inside=1 exec unshare -m "$0"
fi
build=$(cd "$build" && pwd)
mount -t tmpfs none /run
mount -t tmpfs none /mnt
cp "$build/minimiod" "$build/minimioctl" /mnt/ # where every user may read
chmod 755 /mnt /run
PATH=/mnt:$PATH
system=/run/minimio/minimio.sock
own=/run/user/4710/minimio.sock
mkdir -p /run/user /run/minimio
mkdir -m 700 /run/user/0
install -d -m 700 -o 4710 /run/user/4710
install -d -o 4710 /mnt/home
unset MINIMIO_SOCKET XDG_RUNTIME_DIR XDG_CONFIG_HOME NOTIFY_SOCKET
export HOME=/mnt/home

as_root='env'
as_user='setpriv --reuid=4710 --regid=4710 --clear-groups'

# listens WHO WHERE ARGUMENT...: its process is $daemon
listens() {
    local where=$2
    # shellcheck disable=SC2086 # it is a command
    $1 minimiod "${@:3}" 2>"$folder/log" &
    daemon=$!
    pids="$pids $daemon"
    minimioctl --socket "$where" ping --wait 20s >/dev/null 2>"$folder/output" || fail "nobody listens at $where"
    grep -q "listening on $where;" "$folder/log" || fail 'it listens elsewhere'
}

stops() {
    kill "$daemon"
    wait "$daemon" || :
}

# reaches WHO WHERE: with the path that messages name, where nobody listens too
reaches() {
    # shellcheck disable=SC2086
    $1 minimioctl hello >"$folder/out" 2>"$folder/output" && [ "$2" = daemon ] && return 0
    grep -qF "cannot connect to $2:" "$folder/output" || fail "$1 does not reach $2"
}

reaches "$as_user" "$own"
reaches "$as_root" "$system"
listens "$as_user" "$own"
reaches "$as_user" daemon
reaches "$as_root" "$system"
stops
listens "$as_root" "$system" --socket-mode 0666
reaches "$as_root" daemon
reaches "$as_user" daemon # the system's, as the user has none
reaches "$as_user env XDG_RUNTIME_DIR=/run/user/4710" "$own"
stops
listens "$as_root" /run/user/0/minimio.sock --socket /run/user/0/minimio.sock
reaches "$as_root" daemon
stops
chmod 777 /run/user/4710
reaches "$as_user" "$system" # anybody could listen there
chmod 700 /run/user/4710
chown 0 /run/user/4710
reaches "$as_user" "$system"
chown 4710 /run/user/4710

# ---- Hints

hint_of() { # hint_of WHO ARGUMENT...: the hint is in $hint, and who has to carry it out in $who
    local who_asks=$1
    shift
    # shellcheck disable=SC2086
    ! $who_asks minimioctl "$@" ping >/dev/null 2>"$folder/output" || fail 'a daemon answers'
    hint=$(sed -n 's/^Is minimiod running? Start it\(, as root,\)\{0,1\} with: //p' "$folder/output")
    [ -n "$hint" ] || fail 'no hint'
    who=$who_asks
    ! grep -q 'Start it, as root, with' "$folder/output" || who=$as_root
}

works() { # works WHO [--socket PATH]
    hint_of "$@"
    case $hint in
    *'&& '*) hint=${hint/'&& '/'&& exec '} ;;
    *) hint="exec $hint" ;;
    esac
    # shellcheck disable=SC2086
    $who sh -c "cd /; $hint" 2>"$folder/log" &
    daemon=$!
    pids="$pids $daemon"
    minimioctl "${@:2}" ping --wait 20s >/dev/null 2>"$folder/output" ||
        $1 minimioctl "${@:2}" ping --wait 20s >/dev/null 2>"$folder/output" || fail "$1: the hint does not work: $hint"
    stops
}

install -d -o 4711 -m 755 /mnt/other # of another user
long=/mnt/home/$(printf '%095d' 0).s # 107 bytes: as many as fit
rm -r /run/minimio
for who_asks in "$as_root" "$as_user" "$as_user env XDG_RUNTIME_DIR=/run/user/4710" "$as_user env XDG_RUNTIME_DIR=/run/user/0"; do
    for path in /mnt/home/x.sock /mnt/home/new/x.sock /mnt/other/x.sock "$long" /run/minimio/x.sock /tmp/minimio-$$.sock; do
        works "$who_asks" --socket "$path"
        rm -f "$path"
        rm -rf /run/minimio /mnt/home/new
    done
done
works "$as_root"
rm -rf /run/minimio
works "$as_user"
rmdir /run/user/4710
works "$as_user" # without a session, the system's
rm -rf /run/minimio
! minimioctl --socket "$long." ping 2>"$folder/output" || fail 'a path that is too long'
grep -q 'too long: at most 107 bytes fit' "$folder/output" || fail 'nothing is said of the length'

# Under systemd its commands are named, where they can work.
hints() { # hints WHO EXPECTED ARGUMENT...
    hint_of "$1" "${@:3}"
    [ "$hint" = "$2" ] || fail "the hint for $1 is: $hint"
}
mkdir -p /run/systemd/system /run/systemd/user
touch /run/systemd/system/minimiod.service /run/systemd/user/minimiod.service
install -d -m 700 -o 4710 /run/user/4710
hints "$as_root" 'systemctl start minimiod'
hints "$as_user" "minimiod --socket $own"
hints "$as_user env XDG_RUNTIME_DIR=/run/user/4710" "minimiod --socket $own"
install -d -m 700 -o 4710 /run/user/4710/systemd
touch /run/user/4710/systemd/private
hints "$as_user" 'XDG_RUNTIME_DIR=/run/user/4710 systemctl --user start minimiod'
hints "$as_user env XDG_RUNTIME_DIR=/run/user/4710" 'systemctl --user start minimiod'
rm -r /run/user/4710
hints "$as_user" 'systemctl start minimiod'
[ "$who" = "$as_root" ] || fail 'who may start the service is not told'
