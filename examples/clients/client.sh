#!/bin/sh
# SPDX-License-Identifier: MIT
# As client.py, with nc and jq: nc stays connected through two fifos, jq parses. usage: client.sh HOST:PORT...
set -eu

folder=$(mktemp -d)
mkfifo "$folder/requests" "$folder/replies"
nc -U "${MINIMIO_SOCKET:-/run/minimio/minimio.sock}" <"$folder/requests" >"$folder/replies" &
nc=$!
exec 3>"$folder/requests" 4<"$folder/replies"
trap 'kill "$nc" 2>/dev/null || :; rm -rf "$folder"' EXIT

# send ID METHOD PARAMS
send() {
    printf '{"jsonrpc":"2.0","id":%s,"method":"%s","params":%s}\n' "$1" "$2" "$3" >&3
}

# The id of a read is the token; the id of all other requests is 0.
left=$#
token=0
for address in "$@"; do
    token=$((token + 1))
    send 0 register "$(jq -cn --argjson token "$token" --arg address "$address" '$ARGS.named')"
done

while [ "$left" -gt 0 ] && IFS= read -r line <&4; do
    case $line in
    *'"method":"ready"'*)
        for token in $(printf '%s' "$line" | jq '.params.events[].token'); do
            send "$token" read "[$token]"
        done
        ;;
    *'"error":'*)
        printf '%s' "$line" | jq -r '"client.sh: " + .error.message' >&2
        exit 1
        ;;
    *'"eof":'*)
        printf '%s' "$line" | jq -j 'select(.result.bytes > 0) | "\(.id): \(.result.data)"'
        token=$(printf '%s' "$line" | jq .id)
        if [ "$(printf '%s' "$line" | jq .result.eof)" = true ]; then
            send 0 deregister "[$token]"
            left=$((left - 1))
        else
            send 0 reregister "[$token]"
        fi
        ;;
    esac
done
[ "$left" = 0 ] || { echo 'client.sh: the daemon closed the session' >&2; exit 1; }
