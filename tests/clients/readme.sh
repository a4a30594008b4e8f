#!/bin/sh
# Runs the README's Python and shell clients, as they stand there, against a daemon and real servers.
# usage: MINIMIO_BUILD=BUILD tests/clients/readme.sh python|sh
set -eu
cd "$(dirname "$0")/../.."

language=$1
folder=$(mktemp -d)
daemon='' servers=''

# shellcheck disable=SC2317 # called by the trap
clean_up() {
    trap - EXIT
    for pid in $daemon $servers; do
        kill "$pid" 2>/dev/null || :
        wait "$pid" 2>/dev/null || :
    done
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() {
    echo "readme.sh $language: $1" >&2
    cat "$folder/output" >&2
    exit 1
}

export MINIMIO_SOCKET="$folder/minimio.sock"
"$MINIMIO_BUILD/minimiod" 2>"$folder/log" &
daemon=$!
"$MINIMIO_BUILD/minimioctl" ping --wait 20s >/dev/null
mkfifo "$folder/ports"
"$MINIMIO_BUILD/examples/delay_server" 100 10 >"$folder/ports" &
servers=$!
exec 3<"$folder/ports"
read -r slow _ <&3
read -r fast _ <&3

awk -v fence="\`\`\`$language" '$0 == fence { inside = 1; next } /^```/ { inside = 0 } inside' README.md >"$folder/client"
[ -s "$folder/client" ] || { : >"$folder/output"; fail 'the README has no such client'; }
case $language in
python)
    timeout 20 python3 "$folder/client" "127.0.0.1:$slow" "127.0.0.1:$fast" >"$folder/output" || fail 'it failed'
    tokens=$(jq -r 'select(.method == "ready") | .params.events[].token' "$folder/output" | tr '\n' ' ')
    [ "$tokens" = '2 1 ' ] || fail "the tokens were '$tokens', not '2 1 '"
    ;;
sh)
    timeout 20 sh "$folder/client" "127.0.0.1:$fast" >"$folder/output" || fail 'it failed'
    [ "$(cat "$folder/output")" = ready ] || fail 'it did not say "ready", once'
    timeout 20 sh "$folder/client" 127.0.0.1:1 >"$folder/output" || fail 'it failed at an error'
    grep -q ECONNREFUSED "$folder/output" || fail 'it did not say what was wrong'
    ;;
esac
