# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# A machine in a box for tests: a real systemd as process 1, in namespaces of its own, on a throw-away layer over this
# machine's files, with minimio installed by `make install`. Needs root and no container engine. Whatever runs in it
# ends when the script that opened it does, however that ends; nothing stays mounted and no setting is changed.
#
# To be sourced by a script with `set -eu`, in the project's folder. MINIMIO_BUILD is the build folder.
#   box_open          boots one; ends the script with 77 and a reason where that is not possible, and with 1 under
#                     MINIMIO_SYSTEMD=required
#   box_open_over     the same with other files of ours
#   box COMMAND…      runs a command in it, as its root
#   box_as USER COMMAND…
#   equal, contains   what a test expects; pass WHAT, fail WHAT, skip WHY

BOX_SECONDS=${BOX_SECONDS:-600} # what a box lives at most
BOX_PREFIX=/usr/local
box_folder='' box_stage='' box_pid='' box_keeper='' box_cgroup=''

fail() {
    echo "FAILED: $1" >&2
    if [ -n "$box_pid" ]; then
        box systemctl status --no-pager --full 'minimiod*' >&2 || :
        box journalctl --no-pager --lines=60 --output=short-monotonic >&2 || :
    fi
    exit 1
}

pass() {
    echo "ok: $1"
}

skip() {
    echo "skipped: $1"
    [ "${MINIMIO_SYSTEMD:-}" != required ] || exit 1
    exit 77
}

# equal WHAT EXPECTED ACTUAL
equal() {
    [ "$2" = "$3" ] || fail "$1: '$3', not '$2'"
    pass "$1"
}

# contains WHAT PART TEXT
contains() {
    case $3 in
    *"$2"*) pass "$1" ;;
    *) fail "$1: no '$2' in '$3'" ;;
    esac
}

box_possible() {
    [ "$(id -u)" = 0 ] || skip 'needs root'
    [ -x /lib/systemd/systemd ] || skip 'needs systemd'
    for program in unshare nsenter setpriv ip pivot_root flock; do
        command -v "$program" >/dev/null || skip "needs the program $program"
    done
    grep -q '[[:space:]]overlay$' /proc/filesystems || modprobe overlay 2>/dev/null || skip 'needs overlayfs in the kernel'
    box_unified=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
    [ -n "$box_unified" ] || skip 'needs a mounted cgroup2'
    box_parent=${box_unified%/}$(sed -n 's/^0:://p' /proc/self/cgroup)
    box_parent=${box_parent%/}
    box_sweep
    box_cgroup=$box_parent/minimio-box-$$
    mkdir "$box_cgroup" 2>/dev/null || skip 'needs the right to make cgroups'
    unshare --pid --fork --mount --uts --ipc --net --cgroup true 2>/dev/null || skip 'needs the right to make namespaces'
}

# The namespaces' first process is all that has to be killed; the kernel does the rest.
box_close() {
    if [ -n "$box_keeper" ]; then
        kill -KILL "${box_pid:-$box_keeper}" 2>/dev/null || :
        wait "$box_keeper" 2>/dev/null || :
    fi
    if [ -n "$box_cgroup" ] && [ -d "$box_cgroup" ]; then
        box_empty_cgroup
    fi
    [ -z "$box_folder" ] || rm -rf --one-file-system "$box_folder"
    box_folder='' box_pid='' box_keeper='' box_cgroup=''
}

# Processes that were just killed may hold their group for a moment: how many are left is the group's own event.
box_empty_cgroup() {
    for _ in $(seq 100); do
        find "$box_cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || :
        [ -d "$box_cgroup" ] || return 0
        sleep 0.02
    done
    echo "left behind: $box_cgroup" >&2
}

# The installation is made once for a build, and boxes that are opened at the same time wait for it.
box_install() {
    box_stage=${MINIMIO_BUILD:-build}/tests/staged
    flock "${MINIMIO_BUILD:-build}/tests" env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s DEPS=no \
        BUILD="${MINIMIO_BUILD:-build}" PREFIX="$BOX_PREFIX" "$box_stage.made" >/dev/null
}

# A script that was killed leaves its group behind, empty.
box_sweep() {
    for stale in "$box_parent"/minimio-box-*; do
        if [ -d "$stale" ] && ! [ -d "/proc/${stale##*-}" ]; then
            find "$stale" -depth -type d -exec rmdir {} + 2>/dev/null || :
        fi
    done
}

box_boot() {
    mkfifo "$box_folder/pid"
    (
        echo 0 >"$box_cgroup/cgroup.procs"
        # Each ends with the one that started it.
        exec setpriv --pdeathsig KILL timeout -s KILL "$BOX_SECONDS" setpriv --pdeathsig KILL \
            unshare --pid --fork --kill-child=KILL --mount --uts --ipc --net --cgroup \
            tests/systemd/boot.sh "$box_folder" "$box_stage"
    ) 9>"$box_folder/pid" 2>"$box_folder/complaints" &
    box_keeper=$!
    read -r box_pid <"$box_folder/pid" || fail "the box did not boot: $(cat "$box_folder/complaints")"
    box_await_manager
}

box_open() {
    box_prepare
    box_install
    box_boot
}

# box_open_over FOLDER    the same, with what is in FOLDER in place of what `make install` gives
box_open_over() {
    box_prepare
    box_stage=$1
    box_boot
}

box_prepare() {
    trap 'box_close' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    box_possible
    box_folder=$(mktemp -d)
    mkdir "$box_folder/memory"
}

# It answers once it has set itself up; `is-system-running --wait` then waits until everything that boots has.
box_await_manager() {
    for _ in $(seq 500); do
        if box systemctl is-system-running --wait >/dev/null 2>&1 || box systemctl show -p Version >/dev/null 2>&1; then
            return 0
        fi
        kill -0 "$box_keeper" 2>/dev/null || fail 'the box has ended'
        sleep 0.01
    done
    fail 'the manager in the box does not answer'
}

box() {
    nsenter --target "$box_pid" --mount --uts --ipc --net --pid --cgroup --root --wd -- \
        env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
}

box_as() {
    user=$1
    shift
    box setpriv --reuid "$user" --regid "$user" --init-groups "$@"
}

# Answers as soon as the daemon does: where the manager is starting it again the socket's queue holds the question.
await_daemon() {
    await_daemon_at /run/minimio/minimio.sock
}

await_daemon_at() {
    box minimioctl --socket "$1" --timeout 10s ping >/dev/null || fail 'the daemon does not answer'
}

# settings NAME    a drop-in for minimiod.service from standard input, in force from the next start on
settings() {
    box mkdir -p /etc/systemd/system/minimiod.service.d
    box tee "/etc/systemd/system/minimiod.service.d/$1.conf" >/dev/null
    box systemctl daemon-reload
}

# A property of a unit, such as: property minimiod.service MainPID
property() {
    box systemctl show --value --property "$2" "$1"
}
