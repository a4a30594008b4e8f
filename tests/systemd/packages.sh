#!/bin/sh
# SPDX-License-Identifier: MIT
# The Debian packages: built, clean by lintian, and in a box installed, enabled, upgraded under a client, removed, purged.
set -eu
BOX_SECONDS=900
. tests/systemd/box.sh

command -v dpkg-buildpackage >/dev/null || skip 'needs the program dpkg-buildpackage'
packages=$(mktemp -d)
trap 'rm -rf "$packages"' EXIT
mkdir "$packages/old" "$packages/new"
version=$(dpkg-parsechangelog --show-field Version)
tests/systemd/build_packages.sh "$packages/old"
for package in minimiod libminimio0 libminimio-client0 libminimio-dev; do
    set -- "$packages/old/${package}_${version}_"*.deb
    [ -e "$1" ] || fail "there is no package $package"
done
pass 'four packages'
lintian --allow-root --fail-on error,warning "$packages/old"/*.changes || fail 'lintian has errors or warnings'
pass 'lintian has neither errors nor warnings'

rm "$packages/old"/*-dbgsym_*

# The next version is this one by another name.
for package in "$packages/old"/*_"$version"_*.deb; do
    dpkg-deb --raw-extract "$package" "$packages/next"
    sed -i "s/^Version: .*/Version: $version+1/; s/(= $version)/(= $version+1)/g" "$packages/next/DEBIAN/control"
    dpkg-deb --root-owner-group --build "$packages/next" "$packages/new" >/dev/null
    rm -r "$packages/next"
done

mkdir -p "$packages/root/usr/share/minimio-test"
mv "$packages/old" "$packages/new" "$packages/root/usr/share/minimio-test/"
box_open_over "$packages/root"
trap 'box_close; rm -rf "$packages"' EXIT

# The machine may forbid its own packages to start services; in here they shall.
# And the index of manual pages is not what is tested.
box rm -f /usr/sbin/policy-rc.d /var/lib/man-db/auto-update

# quietly COMMAND…    with its output only where it fails
quietly() {
    "$@" >"$box_folder/output" 2>&1 || {
        cat "$box_folder/output" >&2
        fail "$*"
    }
}

install() { # install old|new
    quietly box sh -c "DEBIAN_FRONTEND=noninteractive dpkg --force-unsafe-io --install --force-confdef /usr/share/minimio-test/$1/minimiod_*.deb \
        /usr/share/minimio-test/$1/libminimio*_*.deb"
}

install old
equal 'installed, it runs' 'active active' "$(box systemctl is-active minimiod.service minimiod.socket | tr '\n' ' ' | sed 's/ $//')"
equal 'and will after a boot' 'enabled enabled' \
    "$(box systemctl is-enabled minimiod.service minimiod.socket | tr '\n' ' ' | sed 's/ $//')"
await_daemon
box getent group minimio >/dev/null || fail 'there is no group minimio'
pass 'the group is there'
# shellcheck disable=SC2016 # to be expanded in the box
quietly box sh -c 'cd /tmp && printf "#include <minimio.h>\nint main(void) { struct minimio_poll *poll = 0;
    return minimio_poll_new(&poll) < 0 || minimio_poll_free(poll); }\n" >program.c &&
    cc program.c $(pkg-config --cflags --libs minimio) -o program && ./program'
pass 'a program is built with the library and runs'
quietly box sh -c 'man -w minimiod && man -w minimioctl'
pass 'manual pages are found'
# shellcheck disable=SC2016 # to be expanded in the box
named=$(box sh -c 'dpkg -L minimiod libminimio-dev | grep "/usr/share/man/.*\.gz$" | xargs zcat | grep "^\.It Pa" |
    tr " " "\n" | grep "^/usr/"' | sort -u)
[ -n "$named" ] || fail 'no manual page names a file'
# shellcheck disable=SC2086 # the files are words on purpose
quietly box ls $named
pass 'and the files that they name'
equal 'the examples are there' '/usr/share/doc/minimiod/examples/recipes/wait_for_services.sh' \
    "$(box find /usr/share/doc/minimiod/examples -name wait_for_services.sh -perm -u=x)"
equal 'the C examples are with the header' '/usr/share/doc/libminimio-dev/examples/greetings.c' \
    "$(box find /usr/share/doc/libminimio-dev/examples -name greetings.c)"
# Each shell finds its completion by itself, in the folders where Debian's shells look.
if box test -e /usr/share/bash-completion/bash_completion; then
    contains 'bash finds the completion' '-F _minimioctl' "$(box bash -c '. /usr/share/bash-completion/bash_completion
        _completion_loader minimioctl; complete -p minimioctl')"
fi
if box sh -c 'command -v zsh >/dev/null'; then
    # shellcheck disable=SC2016 # to be expanded in the box
    equal 'zsh finds the completion' '_minimioctl' "$(box zsh -fc 'autoload -U compinit; compinit -D; echo $_comps[minimioctl]')"
fi
if box sh -c 'command -v fish >/dev/null'; then
    contains 'fish finds the completion' 'register' "$(box env HOME=/tmp fish -c 'complete -C "minimioctl regis"')"
fi

pid=$(property minimiod.service MainPID)
file=$(box stat -c %i /run/minimio/minimio.sock)
box minimioctl call open_loop '{"name": "kept"}' >/dev/null
install new
await_daemon
[ "$(property minimiod.service MainPID)" != "$pid" ] || fail 'the old daemon runs on'
pass 'an upgrade restarts the daemon'
equal 'and leaves the socket alone' "$file" "$(box stat -c %i /run/minimio/minimio.sock)"
if box minimioctl --json call loops | jq -e '.loops | length == 1' >/dev/null; then
    pass 'named loops are still there'
elif box minimioctl --json call loops | jq -e '.loops[] | has("durable")' >/dev/null; then
    fail 'an upgrade loses named loops'
fi

quietly box dpkg --remove minimiod
equal 'removed, nothing runs' 'inactive inactive' \
    "$(box systemctl is-active minimiod.service minimiod.socket | tr '\n' ' ' | sed 's/ $//')"
quietly box dpkg --purge minimiod libminimio-dev libminimio-client0 libminimio0
# A group stays, as its number may be in use somewhere.
left=$(box sh -c 'find /etc /var/lib/systemd /run /usr /lib/systemd \( -path /usr/share/minimio-test -o -path "/usr/src" \) -prune \
    -o -name "*minimio*" -print' 2>/dev/null || :)
equal 'purged, nothing is left' '' "$left"
