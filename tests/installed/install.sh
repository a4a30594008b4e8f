#!/bin/sh
# `make install` and `make uninstall`: the second removes what the first has put and nothing else; a program that was
# built with what pkg-config says starts at once; and a build that is up to date prints nothing.
# usage: MINIMIO_BUILD=BUILD tests/installed/install.sh
set -eu
cd "$(dirname "$0")/../.."

build=${MINIMIO_BUILD%/valgrind} # where the programs are wrapped and the libraries are not
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

fail() {
    echo "install.sh: $1" >&2
    [ ! -s "$folder/output" ] || cat "$folder/output" >&2
    exit 1
}

# As if by hand: not a part of the make that runs the tests.
by_hand() {
    env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u V make DEPS=no BUILD="$build" SANITIZE="${SANITIZE:-}" "$@" \
        >"$folder/output" 2>&1 || fail "make $* failed"
}

# What make help names is there.
by_hand help
for name in DEPS=no PREFIX= DESTDIR= V=1 SANITIZE= 'make install' 'make uninstall' 'make demo'; do
    grep -q -e "$name" "$folder/output" || fail "make help does not name $name"
done
sed -n 's/^  make \([a-z0-9-][a-z0-9-]*\).*/\1/p' "$folder/output" >"$folder/targets"
while read -r target; do
    grep -q "^$target:" Makefile ./*.mk tests/tests.mk systemd/install.mk || fail "make help names $target, which there is not"
done <"$folder/targets"

by_hand
by_hand
[ ! -s "$folder/output" ] || fail 'make prints something although the build is up to date'

prefix=$folder/prefix
cat >"$folder/ldconfig" <<END
#!/bin/sh
echo "ldconfig \$*" >>"$folder/ldconfig.log"
echo "$prefix/lib: (from the test)"
END
chmod +x "$folder/ldconfig"

# ---- Staged, as packages are made

stage=$folder/stage
mkdir "$stage"
set -- DESTDIR="$stage" PREFIX=/usr LDCONFIG="$folder/ldconfig"
by_hand "$@" install
for file in bin/minimioctl share/man/man8/minimiod.8 share/doc/minimio/minimiod.conf.example \
    share/doc/minimio/examples/greetings.c share/doc/minimio/examples/recipes/wait_for_services.sh; do
    [ -s "$stage/usr/$file" ] || fail "$file is not installed"
done
[ -x "$stage/usr/share/doc/minimio/examples/clients/client.py" ] || fail 'an example cannot be run'
! grep -rq /usr/local "$stage/usr/share" "$stage/usr/lib/pkgconfig" || fail 'an installed text names another prefix'
! grep -q rpath "$stage/usr/lib/pkgconfig/minimio.pc" || fail 'there is an rpath to a folder of the system'
echo precious >"$stage/usr/share/doc/minimio/notes"
echo precious >"$stage/usr/bin/minimiod-helper"
by_hand "$@" uninstall
find "$stage" ! -type d | sort >"$folder/left"
printf '%s\n' "$stage/usr/bin/minimiod-helper" "$stage/usr/share/doc/minimio/notes" >"$folder/expected"
diff "$folder/expected" "$folder/left" >"$folder/output" || fail 'uninstall takes a file of somebody else, or leaves one'

# Into other folders than those below the prefix, from which nothing is left in the end, folders included.
rm -rf "$stage"
mkdir "$stage"
set -- "$@" LIBDIR=/usr/lib/multi-arch UNITDIR=/lib/systemd/system DOCDIR=/usr/share/doc/minimiod \
    ZSHDIR=/usr/share/zsh/vendor-completions
by_hand "$@" install
[ -s "$stage/usr/share/zsh/vendor-completions/_minimioctl" ] || fail 'ZSHDIR has no effect'
grep -q '^\.It Pa /usr/share/doc/minimiod/minimiod\.conf\.example$' "$stage/usr/share/man/man5/minimiod.conf.5" ||
    fail 'a manual page names another folder'
[ -s "$stage/usr/share/doc/minimiod/minimiod.conf.example" ] || fail 'the file that a manual page names is not there'
by_hand "$@" uninstall
find "$stage" -mindepth 1 >"$folder/output"
[ ! -s "$folder/output" ] || fail 'after uninstall something is left'

[ ! -e "$folder/ldconfig.log" ] || fail 'a staged installation changes the cache of the loader'

# ---- For use: no DESTDIR, a prefix of the user's own

set -- PREFIX="$prefix" LDCONFIG="$folder/ldconfig"
by_hand "$@" install
if [ "$(id -u)" = 0 ]; then
    [ "$(tail -n 1 "$folder/ldconfig.log")" = 'ldconfig ' ] || fail 'the cache of the loader is not updated'
fi
awk '$0 == "```" { inside = 0 } inside; $0 == "```c" { inside = 1 }' README.md >"$folder/ready.c"
sanitize=${SANITIZE:+-fsanitize=$SANITIZE}
(
    unset LD_LIBRARY_PATH
    export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
    export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" # the program leaves its memory to the end of the process
    # shellcheck disable=SC2046,SC2086 # options are words on purpose
    ${CC:-cc} $sanitize -o "$folder/ready" "$folder/ready.c" $(pkg-config --cflags --libs minimio) &&
        timeout 30 "$folder/ready" >"$folder/output" 2>&1
) || fail 'the program of README does not start'
"$prefix/bin/minimioctl" --version >"$folder/output" || fail 'minimioctl does not start'
by_hand "$@" uninstall
[ ! -e "$prefix" ] || { find "$prefix" >"$folder/output"; fail 'the prefix is left'; }
