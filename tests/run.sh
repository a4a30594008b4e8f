#!/bin/sh
# Runs every test of a build: tests/run.sh BUILD. The last line is Check's count.
set -eu
cd "$(dirname "$0")/.."
MINIMIO_BUILD=${1:?usage: tests/run.sh BUILD}
export MINIMIO_BUILD
exec "$MINIMIO_BUILD/tests/all"
