#!/bin/sh
# SPDX-License-Identifier: MIT
# A Redis subscription that outlives its consumer: the daemon holds the connection, so Redis never sees it end, and what
# is published while no consumer runs is there when the next one starts.
# usage: redis_subscription.sh HOST:PORT CHANNEL    prints each message; may be killed and started again at any time
set -eu

address=$1
channel=$2
loop="redis-$channel"

# The first to come connects and subscribes; whoever comes later finds the stream.
if [ -z "$(minimioctl list --loop "$loop" --takeover --json 2>/dev/null)" ]; then
    minimioctl register --loop "$loop" --linger 1h 1 "$address" >/dev/null
    printf 'SUBSCRIBE %s\r\n' "$channel" | minimioctl write --loop "$loop" 1
fi

# Who enters the loop is told what is ready now, so nothing is missed between two commands.
while ready=$(minimioctl events --loop "$loop" --takeover --count 1); do
    minimioctl read --loop "$loop" 1 --max 32768
    case $ready in
    *read_closed*) # Redis has ended the connection, or reset it: the next to come subscribes anew
        if minimioctl read --loop "$loop" 1 --peek --json | grep -q '"eof":true'; then
            minimioctl close-loop --loop "$loop"
            break
        fi
        ;;
    esac
done | {
    # "message" is followed by the channel's length and name, the text's length, and the text.
    cr=$(printf '\r')
    follow=0
    while IFS= read -r line; do
        line=${line%"$cr"}
        if [ "$follow" -gt 0 ]; then
            follow=$((follow - 1))
            [ "$follow" != 0 ] || printf '%s\n' "$line"
        elif [ "$line" = message ]; then
            follow=4
        fi
    done
}
