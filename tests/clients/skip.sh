# shellcheck shell=sh
# How scripts here are skipped, to be sourced.

# skip NEEDS: ends the script, as it needs what this machine lacks. Under MINIMIO_CLIENTS=required that is a failure.
skip() {
    echo "skipped: needs $1"
    [ "${MINIMIO_CLIENTS:-}" != required ] || exit 1
    exit 77
}
