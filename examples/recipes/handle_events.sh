#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints what comes from the connections of a loop, each line behind its token. The commands in the pipe are guests, and
# work beside `minimioctl events`, the owner of the loop.
# usage: handle_events.sh LOOP
set -eu

loop=$1

minimioctl events --loop "$loop" | while read -r token _ readiness; do
    text=$(minimioctl read --loop "$loop" "$token" | tr -d '\r')
    if [ -n "$text" ]; then
        printf '%s\n' "$text" | sed "s/^/$token /"
        minimioctl reregister --loop "$loop" "$token"
    else
        echo "$token has ended: $readiness"
        minimioctl deregister --loop "$loop" "$token"
    fi
done
