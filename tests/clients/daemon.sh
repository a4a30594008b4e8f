# shellcheck shell=sh
# For the scripts here: starts a daemon and two servers, and ends them with the script. $slow and $fast are the servers'
# ports: the fast one greets at once, the slow one after tell_slow. Between the daemon and its clients, whose socket is
# $MINIMIO_SOCKET, is a tap that checks each line that the daemon writes.
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

tell_slow() {
    echo 1 >&4
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
mkfifo "$folder/orders" "$folder/ports"
tests/clients/told_server.py 2 <"$folder/orders" >"$folder/ports" &
servers=$!
exec 4>"$folder/orders" 3<"$folder/ports" # in the order in which the server opens them
# shellcheck disable=SC2034 # for the scripts
read -r slow <&3
# shellcheck disable=SC2034
read -r fast <&3
echo 2 >&4
: >"$folder/output"
