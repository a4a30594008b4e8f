# shellcheck shell=sh
# What scripts here begin with: a folder, a daemon, servers that greet; and that all of it goes away at the end.

. tests/clients/skip.sh

# Under valgrind the programs are wrapped; what is not is where it was.
build=${MINIMIO_BUILD%/valgrind}
PATH=$(cd "$build" && pwd):$PATH
folder=$(mktemp -d)
pids='' folders=$folder

# shellcheck disable=SC2317 # called by the trap
clean_up() {
    trap - EXIT
    for pid in $pids; do
        kill "$pid" 2>/dev/null || :
        wait "$pid" 2>/dev/null || :
    done
    # shellcheck disable=SC2086 # they are words on purpose
    rm -rf $folders
}
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() {
    echo "$0: $1" >&2
    [ ! -s "$folder/output" ] || cat "$folder/output" >&2
    exit 1
}

# require PROGRAM: or the script is skipped.
require() {
    command -v "$1" >/dev/null || skip "the program $1"
}

start_daemon() {
    export MINIMIO_SOCKET="$folder/minimio.sock"
    "$MINIMIO_BUILD/minimiod" 2>"$folder/log" &
    pids="$pids $!"
    minimioctl ping --wait 20s >/dev/null
}

# start_servers DELAY...: their addresses are in $targets, in this order.
start_servers() {
    mkfifo "$folder/ports"
    "$build/examples/delay_server" "$@" >"$folder/ports" &
    pids="$pids $!"
    exec 9<"$folder/ports"
    targets=''
    for _ in "$@"; do
        read -r port _ <&9
        targets="$targets 127.0.0.1:$port"
    done
}

# start_told_servers COUNT: servers that greet when they are told, by `tell N`. Their addresses are in $targets.
start_told_servers() {
    mkfifo "$folder/orders" "$folder/ports"
    tests/clients/told_server.py "$1" <"$folder/orders" >"$folder/ports" &
    pids="$pids $!"
    exec 7>"$folder/orders" 9<"$folder/ports"
    targets=''
    for _ in $(seq "$1"); do
        read -r port <&9
        targets="$targets 127.0.0.1:$port"
    done
}

tell() {
    echo "$1" >&7
}

# A port that is free now.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
