#!/bin/sh
# SPDX-License-Identifier: MIT
# Starts a command once PostgreSQL and Redis accept requests. usage: wait_for_services.sh POSTGRES REDIS COMMAND...
#
# `minimioctl wait` waits for the open ports, without a client program. PostgreSQL opens the port during crash recovery
# already, so pg_isready makes the final check.
set -eu

postgres=$1
redis=$2
shift 2

minimioctl wait --timeout "${TIMEOUT:-30s}" "$postgres" "$redis"
until pg_isready -q -h "${postgres%:*}" -p "${postgres##*:}"; do
    sleep 0.2
done
exec "$@"
