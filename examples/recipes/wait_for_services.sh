#!/bin/sh
# SPDX-License-Identifier: MIT
# Starts a command when PostgreSQL and Redis can serve it. usage: wait_for_services.sh POSTGRES REDIS COMMAND...
#
# `wait` tells when their ports are open, which needs no client of either. PostgreSQL opens its port while it still
# recovers from a crash, so its own pg_isready has the last word.
set -eu

postgres=$1
redis=$2
shift 2

minimioctl wait --timeout "${TIMEOUT:-30s}" "$postgres" "$redis"
until pg_isready -q -h "${postgres%:*}" -p "${postgres##*:}"; do
    sleep 0.2
done
exec "$@"
