#!/bin/sh
# Builds and tests the last commit in a new Debian: a minimal system of that release in build/debian/RELEASE, in which
# only git, make and a compiler are installed, a clone in it, and `make WERROR=1 check` there. The system is kept for the
# next run, with the packages that deps.sh has installed.
# usage: .ci/debian.sh RELEASE [SUITE...]    such as trixie; with suites, these alone
#   exit status 77: skipped, as this machine cannot have such a system; 1 under MINIMIO_DEBIAN=required
#   MIRROR=URL    of the archive; http://deb.debian.org/debian unless set
set -eu
cd "$(dirname "$0")/.."

release=${1:?usage: .ci/debian.sh RELEASE [SUITE...]}
shift
suites=$*
root=$PWD/build/debian/$release
mirror=${MIRROR:-http://deb.debian.org/debian}

skip() {
    echo "skipped: needs $1"
    [ "${MINIMIO_DEBIAN:-}" != required ] || exit 1
    exit 77
}

# make_system: the minimal system, with the settings that this machine's apt has for the network
make_system() {
    rm -rf "$root" # of a run that was interrupted
    mkdir -p "$root"
    # In a namespace, so that nothing stays mounted whatever happens.
    if ! unshare --mount debootstrap --variant=minbase --include=ca-certificates,gcc,git,libc6-dev,make \
        "$release" "$root" "$mirror" >"$root.log" 2>&1; then
        tail -n 20 "$root.log"
        rm -rf "$root"
        skip "the archive of $release at $mirror"
    fi
    apt-config dump | grep -E '^Acquire::(Check|http|https|Force|Retries)' >"$root/etc/apt/apt.conf.d/99host" || :
    touch "$root/made"
}

[ "$(id -u)" = 0 ] || skip 'root'
PATH=$PATH:/usr/sbin:/sbin
command -v debootstrap >/dev/null || skip 'the program debootstrap'
unshare --mount --pid --fork true 2>/dev/null || skip 'namespaces of mounts and processes'
[ -e "$root/made" ] || make_system
cat /etc/resolv.conf >"$root/etc/resolv.conf"
cat /etc/hosts >"$root/etc/hosts"
rm -rf "$root/root/minimio"
git clone --quiet --no-hardlinks . "$root/root/minimio"

# What is mounted here goes with the namespace.
# shellcheck disable=SC2016 # expanded by the inner shell
exec unshare --mount --pid --fork --kill-child sh -euc '
    root=$1
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/dev/shm"
    mount -t tmpfs tmpfs "$root/tmp"
    exec chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
        ${JOBS:+"JOBS=$JOBS"} ${2:+"CK_RUN_SUITE=$2"} \
        sh -euc "cd /root/minimio && exec make -s -j$(nproc) WERROR=1 check"
' sh "$root" "$suites"
