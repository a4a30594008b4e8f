#!/bin/sh
# `make install` into a folder of its own, and then what an installed library is for: programs that know it through
# pkg-config alone, with the shared library and with the static one; C++; the manual's and the README's examples.
# usage: MINIMIO_BUILD=BUILD tests/installed/programs.sh
set -eu
cd "$(dirname "$0")/../.."
. tests/installed/header.sh

build=${MINIMIO_BUILD%/valgrind} # where the programs are wrapped and the libraries are not
folder=$(mktemp -d)
stage=$folder/stage prefix=/opt/minimio
servers=''

# shellcheck disable=SC2317 # called by the trap
clean_up() {
    trap - EXIT
    if [ -n "$servers" ]; then
        kill "$servers" 2>/dev/null || :
        wait "$servers" 2>/dev/null || :
    fi
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() {
    echo "programs.sh: $1" >&2
    [ ! -s "$folder/output" ] || cat "$folder/output" >&2
    exit 1
}

# ---- What is installed

# As if by hand: not a part of the make that runs the tests.
env -u MAKEFLAGS -u MAKELEVEL make -s DEPS=no BUILD="$build" SANITIZE="${SANITIZE:-}" DESTDIR="$stage" \
    PREFIX="$prefix" install >"$folder/output" || fail 'make install failed'
root=$stage$prefix
[ "$(readlink "$root/lib/libminimio.so")" = libminimio.so.0 ] || fail 'the link for the linker is wrong'
case $(readlink "$root/lib/libminimio.so.0") in
libminimio.so.0.*) ;;
*) fail 'the link for the loader is wrong' ;;
esac
for file in bin/minimiod bin/minimioctl lib/libminimio.a lib/libminimio.so include/minimio.h lib/pkgconfig/minimio.pc \
    share/man/man1/minimioctl.1 share/man/man8/minimiod.8 share/man/man3/minimio.3; do
    [ -s "$root/$file" ] || fail "$file is not installed"
done
for name in $(header_functions); do
    grep -q "^\.Fo $name\$" "$root/share/man/man3/$name.3" || fail "no page is installed as $name(3)"
done

# ---- pkg-config

export PKG_CONFIG_PATH="$root/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$stage"
export LD_LIBRARY_PATH="$root/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
[ "$(pkg-config --modversion minimio)" = "$(sed -n 's/^VERSION = //p' Makefile)" ] || fail 'minimio.pc has another version'
case " $(pkg-config --static --libs minimio) " in
*' -pthread '*) ;;
*) fail 'minimio.pc does not say what the static library needs' ;;
esac

warnings='-Wall -Wextra -Werror'
sanitize=${SANITIZE:+-fsanitize=$SANITIZE}

# build_program SOURCE: as $folder/shared and as $folder/static
build_program() {
    # shellcheck disable=SC2046,SC2086 # options are words on purpose
    ${CC:-cc} -std=c11 $warnings $sanitize -o "$folder/shared" "$1" $(pkg-config --cflags --libs minimio) -pthread
    # The one library that is linked statically; the C library's own functions for names want to be shared.
    # shellcheck disable=SC2046,SC2086
    ${CC:-cc} -std=c11 $warnings $sanitize -o "$folder/static" "$1" $(pkg-config --static --cflags minimio) \
        -Wl,-Bstatic $(pkg-config --static --libs minimio) -Wl,-Bdynamic
    ldd "$folder/shared" | grep -qF "libminimio.so.0 => $root/lib/" || fail "$1 does not load the shared library"
    ! ldd "$folder/static" | grep -q libminimio || fail "$1 is not linked statically"
}

# A block of an example between two lines, the manual's backslashes made plain.
extract() { # extract FIRST LAST FILE
    awk -v first="$1" -v last="$2" '$0 == last { inside = 0 } inside; $0 == first { inside = 1 }' "$3" |
        sed -e 's/\\e/\\/g'
}

# ---- Programs, against servers that greet after a while

mkfifo "$folder/ports"
"$build/examples/delay_server" 300 100 200 >"$folder/ports" &
servers=$!
exec 3<"$folder/ports"
read -r first _ <&3
read -r second _ <&3
read -r third _ <&3
targets="127.0.0.1:$first 127.0.0.1:$second 127.0.0.1:$third"

# require_output EXPECTED TARGET...: of both kinds of the program
require_output() {
    expected=$1
    shift
    for kind in shared static; do
        timeout 30 "$folder/$kind" "$@" >"$folder/output" 2>&1 || fail "a program, $kind, failed"
        [ "$(cat "$folder/output")" = "$expected" ] || fail "a program, $kind, printed something else than $expected"
    done
}

for example in greetings reactor; do
    build_program "examples/$example.c"
    # shellcheck disable=SC2086 # the targets are words on purpose
    require_output '2: hello after 100 ms
3: hello after 200 ms
1: hello after 300 ms' $targets
    ! timeout 30 "$folder/shared" 127.0.0.1:1 >"$folder/output" 2>&1 || fail "$example does not fail at a refusal"
    grep -q 'Connection refused' "$folder/output" || fail "$example does not say what was wrong"
done

extract '```c' '```' README.md >"$folder/readme.c"
build_program "$folder/readme.c"
# It leaves what it has to its end, for shortness.
# shellcheck disable=SC2086
(
    export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
    require_output '2 is ready
3 is ready
1 is ready' $targets
)

extract '.Bd -literal' '.Ed' man/minimio.3 >"$folder/manual.c"
build_program "$folder/manual.c"
require_output 'token 7: hello after 100 ms' "127.0.0.1:$second"

# ---- C++

cat >"$folder/cpp.cc" <<'END'
#include <minimio.h>

int main()
{
    minimio_poll *poll;

    return minimio_poll_new(&poll) != 0 || minimio_poll_free(poll) != nullptr;
}
END
# shellcheck disable=SC2046,SC2086
${CXX:-c++} -std=c++11 $warnings $sanitize -o "$folder/cpp" "$folder/cpp.cc" $(pkg-config --cflags --libs minimio)
"$folder/cpp" >"$folder/output" 2>&1 || fail 'a C++ program failed'
