# shellcheck shell=sh
# For the scripts here: starts a daemon, and servers that make their clients wait, and ends both with the script.
# $slow and $fast are the servers' ports. Between the daemon and its clients, whose socket is $MINIMIO_SOCKET, is a tap
# that checks each line that the daemon writes.
folder=$(mktemp -d)
daemon='' servers='' tap=''

end_process() { # end_process PID
    kill "$1" 2>/dev/null || :
    wait "$1"
}

# shellcheck disable=SC2317 # called by the trap
clean_up() {
    trap - EXIT
    for pid in $tap $daemon $servers; do
        end_process "$pid" || :
    done
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() {
    echo "$0: $1" >&2
    cat "$folder/output" >&2
    exit 1
}

# Ends the tap, which then says whether every line was what the protocol promises.
check_lines() {
    pid=$tap
    tap=''
    end_process "$pid" || fail 'the daemon wrote a line that it must not write'
}

"$MINIMIO_BUILD/minimiod" --socket "$folder/minimio.sock" 2>"$folder/log" &
daemon=$!
"$MINIMIO_BUILD/minimioctl" --socket "$folder/minimio.sock" ping --wait 20s >/dev/null
export MINIMIO_SOCKET="$folder/tap.sock"
mkfifo "$folder/ready"
python3 tests/clients/tap.py "$MINIMIO_SOCKET" "$folder/minimio.sock" >"$folder/ready" &
tap=$!
read -r _ <"$folder/ready"
mkfifo "$folder/ports"
"$MINIMIO_BUILD/examples/delay_server" 100 10 >"$folder/ports" &
servers=$!
exec 3<"$folder/ports"
# shellcheck disable=SC2034 # for the scripts
read -r slow _ <&3
# shellcheck disable=SC2034
read -r fast _ <&3
: >"$folder/output"
