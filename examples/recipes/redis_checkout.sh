#!/bin/sh
# SPDX-License-Identifier: MIT
# Counts in Redis from a shell script, over a connection out of a pool of two: any number of these scripts may run at once.
# usage: redis_checkout.sh LOOP HOST:PORT KEY    prints the new value of KEY
set -eu

loop=$1
address=$2
key=$3

# The script first makes sure of the pool, and then starts itself again with a connection.
if [ -z "${MINIMIO_FD:-}" ]; then
    minimioctl register --loop "$loop" --ensure --interests writable 1 "$address" 2 "$address" >/dev/null
    exec minimioctl checkout --loop "$loop" --timeout 30s --fd 3 -- "$0" "$@"
fi

# From here on descriptor 3 is the connection. It goes back to the pool if the script succeeds, and is closed if not.
printf 'INCR %s\r\n' "$key" >&3
IFS= read -r reply <&3
case $reply in
:*) printf '%s\n' "${reply#:}" | tr -d '\r' ;;
*)
    echo "redis_checkout.sh: $reply" >&2
    exit 1
    ;;
esac
