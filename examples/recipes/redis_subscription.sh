#!/bin/sh
# SPDX-License-Identifier: MIT
# A Redis subscription that outlives the consumer: the daemon holds the connection, so the subscription never ends, and
# messages published while no consumer runs are delivered to the next consumer.
# usage: redis_subscription.sh HOST:PORT CHANNEL    prints each message; may be killed and started again at any time
set -eu

address=$1
channel=$2
loop="redis-$channel"

# The first run connects and subscribes; later runs find the stream.
if [ -z "$(minimioctl list --loop "$loop" --takeover --json 2>/dev/null)" ]; then
    minimioctl register --loop "$loop" --linger 1h 1 "$address" >/dev/null
    printf 'SUBSCRIBE %s\r\n' "$channel" | minimioctl write --loop "$loop" 1
fi

# Attaching to the loop reports present readiness, so no event is missed between two commands.
while ready=$(minimioctl events --loop "$loop" --takeover --count 1); do
    minimioctl read --loop "$loop" 1 --max 32768
    case $ready in
    *read_closed*) # Redis has closed or reset the connection: the next run subscribes again
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
