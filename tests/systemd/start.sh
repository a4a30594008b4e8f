#!/bin/sh
# SPDX-License-Identifier: MIT
# From the start of the process to READY the daemon takes at most 20 ms: of processor time in the best of the starts,
# and of the manager's clock in those starts in which neither waited for a processor, as other programs on the machine
# make them wait. A machine on which loading the program alone takes more than a third of that has three times the loading
# time. The manager's clock leaves out what the manager does before the daemon runs: the namespaces and filters of the
# unit.
set -eu
. tests/systemd/box.sh

RUNS=15
CONFINED_RUNS=5 # for a figure that is printed and not judged
MOST_US=20000
QUIET_US=2000 # a start with less waiting than this is judged by the clock

# start_often UNIT TIMES    a line "PROCESSOR CLOCK WAITED" for each start, in microseconds. The loop runs in the box: a
# way into the box for each command would take longer than the starts.
start_often() {
    box sh -eus "$1" "$2" >"$box_folder/$1" <<'END'
for _ in $(seq "$2"); do
    systemctl stop "$1" 2>/dev/null # which warns of the unit's socket
    read -r _ before _ </proc/1/schedstat
    systemctl start "$1"
    # shellcheck disable=SC2046 # words on purpose: three lines NAME=NUMBER
    export $(systemctl show --property=MainPID --property=ExecMainStartTimestampMonotonic \
        --property=ActiveEnterTimestampMonotonic "$1")
    read -r processor waited _ <"/proc/$MainPID/schedstat"
    read -r _ after _ </proc/1/schedstat
    echo $((processor / 1000)) $((ActiveEnterTimestampMonotonic - ExecMainStartTimestampMonotonic)) \
        $(((waited + after - before) / 1000))
done
END
}

# loading    microseconds of processor time of `minimiod --version`, the best of RUNS
loading() {
    python3 - "$RUNS" "$MINIMIO_BUILD/minimiod" <<'END'
import resource, subprocess, sys
def used():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
def run():
    before = used()
    subprocess.run([sys.argv[2], "--version"], stdout=subprocess.DEVNULL, check=True)
    return used() - before
print(int(min(run() for _ in range(int(sys.argv[1]))) * 1e6))
END
}

# median COLUMN FILE: empty if there are no lines
median() {
    awk -v column="$1" '{ print $column }' "$2" | sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}

box_open
box systemd-sysusers
box tee /etc/systemd/system/bare.service >/dev/null <<'END'
[Unit]
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=/usr/local/bin/minimiod --socket /run/bare.sock --store 16384
FileDescriptorStoreMax=16384
END
start_often bare.service "$RUNS"
start_often minimiod.service "$CONFINED_RUNS"
loading=$(loading)
[ $((3 * loading)) -le "$MOST_US" ] || MOST_US=$((3 * loading))
awk -v most="$QUIET_US" '$3 < most' "$box_folder/bare.service" >"$box_folder/quiet"
processor=$(sort -n "$box_folder/bare.service" | awk '{ print $1; exit }')
clock=$(median 2 "$box_folder/quiet")
echo "from start to READY: $processor us of processor time; by the clock $(median 2 "$box_folder/bare.service") us," \
    "with the unit's confinement $(median 2 "$box_folder/minimiod.service") us;" \
    "$(wc -l <"$box_folder/quiet") of $RUNS starts undisturbed: ${clock:-none} us; loading alone $loading us"
[ "$processor" -gt 0 ] || fail 'the kernel counted no processor time'
[ "$processor" -le "$MOST_US" ] || fail "READY after $processor us of processor time"
[ "${clock:-0}" -le "$MOST_US" ] || fail "READY after $clock us, undisturbed"
pass 'READY in time'
