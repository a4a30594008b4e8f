#!/bin/sh
# SPDX-License-Identifier: MIT
# The first process of a box: makes its root out of the machine's, read-only beneath, and becomes systemd. Started by
# box.sh in namespaces of its own; whatever is mounted here goes with them.
# usage: boot.sh FOLDER STAGE    the files of STAGE are laid over the machine's; this process's id goes to descriptor 9
set -eu

folder=$1 stage=$2 root=$1/memory/root
# The id by which the machine knows this process: its own /proc is still mounted here.
read -r pid _ </proc/self/stat

mount --make-rprivate /
mount -t tmpfs -o mode=755 box "$folder/memory"
mkdir "$folder/memory/work" "$root"
cp -a "$stage" "$folder/memory/upper"
mount -t overlay -o "lowerdir=/,upperdir=$folder/memory/upper,workdir=$folder/memory/work" box "$root"

mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
# Nothing in here changes the machine's settings.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t cgroup2 -o nosuid,nodev,noexec cgroup "$root/sys/fs/cgroup"

mount -t tmpfs -o mode=755 box "$root/dev"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs -o mode=1777 box "$root/dev/shm"
mount -t devpts -o newinstance,mode=620,ptmxmode=666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for folder_of_its_own in run tmp var/tmp var/log; do
    mount -t tmpfs -o mode=1777 box "$root/$folder_of_its_own"
done
chmod 755 "$root/run" "$root/var/log"
# Only what systemd itself wants is started, whatever is enabled on the machine.
mount -t tmpfs -o mode=755 box "$root/etc/systemd/system"
# Nor what sets up hardware, disks and logins: an empty unit is a masked one. Generators, which the manager runs at each
# reload, find nothing to generate in a box.
for unit in dev-hugepages.mount dev-mqueue.mount proc-sys-fs-binfmt_misc.automount sys-fs-fuse-connections.mount \
    sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount kmod-static-nodes.service \
    systemd-ask-password-console.path systemd-binfmt.service systemd-firstboot.service systemd-journal-flush.service \
    systemd-machine-id-commit.service systemd-modules-load.service systemd-pcrphase-sysinit.service \
    systemd-pcrphase.service systemd-random-seed.service systemd-remount-fs.service systemd-repart.service \
    systemd-sysctl.service systemd-tmpfiles-setup-dev.service systemd-update-utmp.service; do
    : >"$root/etc/systemd/system/$unit"
done
mount -t tmpfs -o mode=755 box "$root/lib/systemd/system-generators"

hostname box
ip link set lo up
echo "$pid" >&9
exec 9>&-
mkdir "$root/run/machine"
cd "$root"
pivot_root . run/machine
umount -l run/machine
rmdir run/machine
exec <dev/null
exec >dev/null 2>&1
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=box \
    /lib/systemd/systemd --system --unit=sockets.target --log-target=journal --show-status=no
