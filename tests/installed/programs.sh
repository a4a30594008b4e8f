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
    for pid in $servers; do
        kill "$pid" 2>/dev/null || :
        wait "$pid" 2>/dev/null || :
    done
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
    lib/libminimio-client.a lib/libminimio-client.so include/minimio-client.h lib/pkgconfig/minimio-client.pc \
    share/man/man1/minimioctl.1 share/bash-completion/completions/minimioctl share/zsh/site-functions/_minimioctl \
    share/fish/vendor_completions.d/minimioctl.fish share/man/man8/minimiod.8 share/man/man3/minimio.3; do
    [ -s "$root/$file" ] || fail "$file is not installed"
done
[ "$(readlink "$root/lib/libminimio-client.so")" = libminimio-client.so.0 ] || fail 'the link for the linker is wrong'
grep -q '^\.Dt MINIMIO 3' "$root/share/man/man3/minimio.3" || fail 'another page is installed as minimio(3)'
for header in client/lib/minimio-client.h libminimio/minimio.h; do
    for name in $(header_functions); do
        grep -q "^\.Fo $name\$" "$root/share/man/man3/$name.3" || fail "no page is installed as $name(3)"
    done
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

# build_program SOURCE [PACKAGE]: as $folder/shared and as $folder/static
build_program() {
    package=${2:-minimio}
    # shellcheck disable=SC2046,SC2086 # options are words on purpose
    ${CC:-cc} -std=c11 $warnings $sanitize -o "$folder/shared" "$1" $(pkg-config --cflags --libs "$package") -pthread
    # The one library that is linked statically; the C library's own functions for names want to be shared.
    # shellcheck disable=SC2046,SC2086
    ${CC:-cc} -std=c11 $warnings $sanitize -o "$folder/static" "$1" $(pkg-config --static --cflags "$package") \
        -Wl,-Bstatic $(pkg-config --static --libs "$package") -Wl,-Bdynamic
    ldd "$folder/shared" | grep -qF "lib$package.so.0 => $root/lib/" || fail "$1 does not load the shared library"
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

# prints EXPECTED PROGRAM TARGET...: on a busy machine a program may be held up for longer than the delays of the servers
# differ, and then has the greetings in another order. It has some tries.
prints() {
    expected=$1
    shift
    for _ in 1 2 3 4 5 6 7 8; do
        timeout 60 "$@" >"$folder/output" 2>&1 || return 1
        [ "$(cat "$folder/output")" != "$expected" ] || return 0
    done
    return 1
}

# require_output EXPECTED TARGET...: of both kinds of the program
require_output() {
    expected=$1
    shift
    for kind in shared static; do
        prints "$expected" "$folder/$kind" "$@" || fail "a program, $kind, failed, or does not print $expected"
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

# ---- The client library, against a daemon

export MINIMIO_SOCKET="$folder/minimio.sock"
"$build/minimiod" 2>"$folder/log" &
servers="$servers $!"
"$build/minimioctl" ping --wait 20s >/dev/null
extract '.Bd -literal' '.Ed' man/minimio-client.3 >"$folder/client.c"
build_program "$folder/client.c" minimio-client
for kind in shared static; do
    {
        echo '{"jsonrpc":"2.0","id":1,"method":"open_loop","params":{"name":"kept"}}'
        echo '{"jsonrpc":"2.0","id":2,"method":"register","params":{"token":7,"address":"127.0.0.1:'"$second"'"}}'
    } | timeout 20 nc -N -U "$MINIMIO_SOCKET" >"$folder/output" || fail 'nc failed'
    grep -q ready "$folder/output" || fail 'the stream did not become ready'
    mkfifo "$folder/lines"
    timeout 20 "$folder/$kind" kept >"$folder/lines" 2>"$folder/output" &
    client=$!
    read -r line <"$folder/lines"
    [ "$line" = '7 is ready' ] || fail "the client, $kind, printed '$line'"
    kill "$client"
    wait "$client" || :
    rm "$folder/lines"
    "$build/minimioctl" call open_loop '{"name":"kept","takeover":true,"linger_ms":0}' >"$folder/output" || fail 'no end'
done

# ---- C++

cat >"$folder/cpp.cc" <<'END'
#include <minimio-client.h>
#include <minimio.h>

int main()
{
    minimio_poll *poll;

    return minimio_poll_new(&poll) != 0 || minimio_poll_free(poll) != nullptr || minimio_client_free(nullptr) != nullptr;
}
END
# shellcheck disable=SC2046,SC2086
${CXX:-c++} -std=c++11 $warnings $sanitize -o "$folder/cpp" "$folder/cpp.cc" $(pkg-config --cflags --libs minimio minimio-client)
"$folder/cpp" >"$folder/output" 2>&1 || fail 'a C++ program failed'
