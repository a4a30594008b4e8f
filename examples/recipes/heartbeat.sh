#!/bin/sh
# SPDX-License-Identifier: MIT
# Writes TEXT and a line break to every connection of a loop each SECONDS, beside the session that handles the events:
# list and batch come as guests, which need no events and are never refused. Ends when the loop has no connection.
# usage: heartbeat.sh LOOP SECONDS TEXT    for example beside: handle_events.sh LOOP
set -eu

loop=$1
seconds=$2
text=$3

while tokens=$(minimioctl list --loop "$loop" --json) && [ -n "$tokens" ]; do
    # A batch prints the error of a connection that has just ended, or that a worker holds at the moment. Neither needs
    # a heartbeat.
    printf '%s\n' "$tokens" |
        jq -c --arg text "$text" '{jsonrpc: "2.0", id: .token, method: "write", params: {token, data: ($text + "\r\n")}}' |
        minimioctl batch --loop "$loop" >/dev/null || :
    sleep "$seconds"
done
