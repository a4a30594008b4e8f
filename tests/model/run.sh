#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the model against a daemon, or the soak. usage: MINIMIO_BUILD=BUILD tests/model/run.sh model|soak
# MINIMIO_LONG=1: ten minutes of it; MINIMIO_TEST_SEED=N: what a failure has named.
set -eu
cd "$(dirname "$0")/../.."

export PYTHONDONTWRITEBYTECODE=1
case $1 in
model)
    # A Python of one's own does not see what the distribution has for its own.
    python=python3
    for candidate in python3 /usr/bin/python3; do
        "$candidate" -c 'import hypothesis' 2>/dev/null && python=$candidate && break
    done
    "$python" -c 'import hypothesis' 2>/dev/null || {
        echo "skipped: needs Python's hypothesis (python3-hypothesis)"
        exit 77
    }
    [ -z "${MINIMIO_LONG:-}" ] || export MINIMIO_MODEL_S="${MINIMIO_MODEL_S:-600}"
    exec "$python" tests/model/run.py
    ;;
soak)
    [ -z "${MINIMIO_LONG:-}" ] || export MINIMIO_SOAK_S="${MINIMIO_SOAK_S:-600}"
    exec python3 tests/model/soak.py
    ;;
esac
