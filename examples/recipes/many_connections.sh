#!/bin/sh
# SPDX-License-Identifier: MIT
# Hundreds of connections, watched from one shell loop: no process for each, and none of them polled.
# usage: many_connections.sh LOOP <ADDRESSES    a line for each that says something, in the order in which they do
set -eu

loop=$1
streams=$(mktemp)
trap 'rm -f "$streams"' EXIT
awk 'NF { print NR, $1 }' >"$streams"

xargs minimioctl register --loop "$loop" <"$streams" >/dev/null
minimioctl events --loop "$loop" --count "$(wc -l <"$streams")" |
    while read -r token address readiness; do
        echo "$token at $address: $readiness"
    done
minimioctl close-loop --loop "$loop"
