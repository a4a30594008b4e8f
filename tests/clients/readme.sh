#!/bin/sh
# Runs the README's Python and shell clients, as they stand there, against a daemon and real servers.
# usage: MINIMIO_BUILD=BUILD tests/clients/readme.sh python|sh
set -eu
cd "$(dirname "$0")/../.."

language=$1
. tests/clients/daemon.sh

awk -v fence="\`\`\`$language" '$0 == fence { inside = 1; next } /^```/ { inside = 0 } inside' README.md >"$folder/client"
[ -s "$folder/client" ] || fail 'the README has no such client'
case $language in
python)
    # The slow server greets when the client has printed the event of the fast one.
    { PYTHONUNBUFFERED=1 timeout 60 python3 "$folder/client" "127.0.0.1:$slow" "127.0.0.1:$fast" || echo 'it failed'; } |
        while read -r line; do
            echo "$line" >>"$folder/output"
            case $line in *'"token":2,"readable":true'*) tell_slow ;; esac
        done
    ! grep -F 'it failed' "$folder/output" >/dev/null || fail 'it failed'
    tokens=$(jq -r 'select(.method == "ready") | .params.events[].token' "$folder/output" | tr '\n' ' ')
    [ "$tokens" = '2 1 ' ] || fail "the tokens were '$tokens', not '2 1 '"
    ;;
sh)
    timeout 60 sh "$folder/client" "127.0.0.1:$fast" >"$folder/output" || fail 'it failed'
    [ "$(cat "$folder/output")" = ready ] || fail 'it did not say "ready", once'
    timeout 60 sh "$folder/client" 127.0.0.1:1 >"$folder/output" || fail 'it failed at an error'
    grep -q ECONNREFUSED "$folder/output" || fail 'it did not say what was wrong'
    ;;
esac
check_lines
