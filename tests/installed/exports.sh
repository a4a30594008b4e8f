#!/bin/sh
# The shared libraries export the names that their headers declare, and no other; the static ones define these and no
# other global, so that a program may have functions of its own by the library's private names.
# usage: MINIMIO_BUILD=BUILD tests/installed/exports.sh
set -eu
cd "$(dirname "$0")/../.."
. tests/installed/header.sh

# Under valgrind the programs are wrapped and the libraries are where they were.
build=${MINIMIO_BUILD%/valgrind}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

# Code and data; the version of the symbols is an absolute one.
defined() {
    nm "$@" --defined-only | awk 'NF == 3 && $2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u
}

# require_exports LIBRARY HEADER LEAST
require_exports() {
    header=$2
    header_functions >"$folder/declared"
    [ "$(wc -l <"$folder/declared")" -ge "$3" ] || { echo 'exports.sh: the header is not understood' >&2; exit 1; }
    defined -D "$build/$1.so" >"$folder/shared"
    require_same "names exported by the shared $1" "$folder/declared" "$folder/shared"
    defined -g "$build/$1.a" | grep -v '^__odr_asan' >"$folder/static"
    require_same "globals of the static $1" "$folder/declared" "$folder/static"
}

require_exports libminimio-client client/lib/minimio-client.h 20
require_exports libminimio libminimio/minimio.h 51

# What the library keeps to itself, defined by a program once more.
private=$(nm --defined-only "$build/obj/libminimio.o" | awk '$2 == "t" { print $3 }' | grep -E '^[a-z][a-z_]+$' | sort -u)
{
    echo '#include "libminimio/minimio.h"'
    for name in $private; do
        echo "int $name(void); int $name(void) { return 7; }"
    done
    cat <<'END'
int main(void)
{
    struct minimio_poll *poll;
    struct minimio_event event;

    if (queue_new() != 7 || monotonic_ns() != 7 || minimio_poll_new(&poll) != 0)
        return 1;
    int r = minimio_poll_poll(poll, &event, 1, 1000000);
    minimio_poll_free(poll);
    return r;
}
END
} >"$folder/clash.c"
# shellcheck disable=SC2086 # an option or nothing
${CC:-cc} -std=c11 -D_GNU_SOURCE -w -fno-builtin -I. ${SANITIZE:+-fsanitize=$SANITIZE} -o "$folder/clash" \
    "$folder/clash.c" "$build/libminimio.a" -pthread
"$folder/clash"
