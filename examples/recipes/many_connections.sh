#!/bin/sh
# SPDX-License-Identifier: MIT
# Watches hundreds of connections from one shell loop, without a process for each connection and without polling.
# usage: many_connections.sh LOOP <ADDRESSES    prints a line for each connection with data, in the order of arrival
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
