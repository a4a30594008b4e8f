#!/bin/sh
# SPDX-License-Identifier: MIT
# The programs and shared libraries are built with stack protector, RELRO and immediate binding, and with _FORTIFY_SOURCE.
# usage: MINIMIO_BUILD=BUILD tests/installed/hardened.sh
set -eu
cd "$(dirname "$0")/../.."

build=${MINIMIO_BUILD%/valgrind}

# require FILE WHAT PATTERN OPTIONS    readelf with OPTIONS shows PATTERN
require() {
    readelf -W "$4" "$build/$1" | grep -Eq "$3" || { echo "hardened.sh: $1 has no $2" >&2; exit 1; }
}

# Sanitizers replace these checks by their own.
if readelf -W --dyn-syms "$build/minimiod" | grep -Eq '__(asan|tsan|ubsan)_'; then
    echo 'hardened.sh: skipped: a build with sanitizers' >&2
    exit 0
fi

for file in minimiod minimioctl libminimio.so libminimio-client.so; do
    require "$file" RELRO GNU_RELRO -l
    require "$file" 'immediate binding' 'BIND_NOW|FLAGS_1.*NOW' -d
    require "$file" 'stack protector' __stack_chk_fail --dyn-syms
done
for file in minimiod minimioctl libminimio-client.so; do
    require "$file" _FORTIFY_SOURCE '__[a-z_]+_chk@' --dyn-syms
done
