#!/bin/sh
# Makes what a build with musl links: the libraries of minimiod, minimioctl and the tests, compiled with musl-gcc from
# Debian's sources of them. Nothing is installed. The folder gets include, lib and lib/pkgconfig.
# usage: scripts/sysroot-musl.sh FOLDER
#   RELEASE=NAME    of Debian, whose sources are taken; trixie unless set
set -eu

folder=${1:?usage: scripts/sysroot-musl.sh FOLDER}
release=${RELEASE:-trixie}
sources='check cjson libinih util-linux'

[ ! -e "$folder/done" ] || exit 0
for program in apt-get musl-gcc xz; do
    command -v "$program" >/dev/null || {
        echo "sysroot-musl.sh: there is no $program" >&2
        exit 1
    }
done

rm -rf "$folder"
mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial" "$folder/src" "$folder/obj"
folder=$(cd "$folder" && pwd)
mkdir -p "$folder/include/cjson" "$folder/include/libsmartcols" "$folder/include/bsd/sys" "$folder/include/sys" \
    "$folder/lib/pkgconfig"

# ---- The sources, by a state of apt's own ----------------------------------------------------------------------------

echo "deb-src http://deb.debian.org/debian $release main" >"$folder/apt/sources.list"
fetch() {
    apt-get -qq -o Dir::Etc::sourcelist="$folder/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::lists="$folder/apt/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$folder/apt" -o Debug::NoLocking=1 \
        -o APT::Sandbox::User= "$@"
}

fetch update
for source in $sources; do
    (cd "$folder/src" && fetch source --download-only "$source" >/dev/null)
done
for archive in "$folder"/src/*.orig.tar.*; do
    case $archive in *.asc) continue ;; esac
    tar -xf "$archive" -C "$folder/src"
done

# ---- Their libraries -------------------------------------------------------------------------------------------------

compile() { # compile LIBRARY FLAG... SOURCE.c...
    library=$1
    shift
    rm -rf "$folder/obj"
    mkdir "$folder/obj"
    (cd "$folder/obj" && musl-gcc -O2 -w -fPIC -D_GNU_SOURCE -c "$@")
    ar rcs "$folder/lib/lib$library.a" "$folder"/obj/*.o
}

package() { # package NAME LIBS
    printf 'Name: %s\nDescription: %s\nVersion: 0\nLibs: -L%s %s\nCflags: -isystem %s\n' "$1" "$1" "$folder/lib" "$2" \
        "$folder/include" >"$folder/lib/pkgconfig/$1.pc"
}

cjson=$(echo "$folder"/src/cJSON-*)
compile cjson "$cjson/cJSON.c"
cp "$cjson/cJSON.h" "$folder/include/cjson"
package libcjson '-lcjson -lm'

inih=$(echo "$folder"/src/inih-*)
compile inih "$inih/ini.c"
cp "$inih/ini.h" "$folder/include"
package inih -linih

# Of util-linux a few files, without its configure, which takes longer than all else here.
smartcols=$(echo "$folder"/src/util-linux-*)
cat >"$folder/src/config.h" <<'EOF'
#define PACKAGE_STRING "util-linux"
#define HAVE_DIRFD 1
#define HAVE_ERR 1
#define HAVE_ERRX 1
#define HAVE_ERR_H 1
#define HAVE_FSYNC 1
#define HAVE_LANGINFO_CODESET 1
#define HAVE_LANGINFO_H 1
#define HAVE_LOCALE_H 1
#define HAVE_MEMPCPY 1
#define HAVE_NANOSLEEP 1
#define HAVE_OPENAT 1
#define HAVE_REALLOCARRAY 1
#define HAVE_STRNDUP 1
#define HAVE_STRNLEN 1
#define HAVE_SYS_TTYDEFAULTS_H 1
#define HAVE_WARN 1
#define HAVE_WARNX 1
#define HAVE_WIDECHAR 1
#define HAVE___PROGNAME 1
EOF
sed 's/@LIBSMARTCOLS_VERSION@/0/' "$smartcols/libsmartcols/src/libsmartcols.h.in" \
    >"$folder/include/libsmartcols/libsmartcols.h"
set --
for file in "$smartcols"/libsmartcols/src/*.c; do
    case $file in *filter* | *fput*) ;; *) set -- "$@" "$file" ;; esac
done
for file in buffer color-names jsonwrt mbsalign strutils strv ttyutils; do
    set -- "$@" "$smartcols/lib/$file.c"
done
compile smartcols -include "$folder/src/config.h" -I"$folder/include/libsmartcols" -I"$smartcols/include" \
    -I"$smartcols/libsmartcols/src" "$@"
package smartcols -lsmartcols

# Of libbsd the headers alone, which are the same for every C library.
cp /usr/include/bsd/sys/cdefs.h /usr/include/bsd/sys/queue.h /usr/include/bsd/sys/tree.h "$folder/include/bsd/sys"
package libbsd ''

(
    cd "$folder"/src/check-*/
    ./configure -q CC=musl-gcc CFLAGS='-O2 -w' --disable-shared --disable-subunit --disable-build-docs --prefix="$folder" \
        >configure.log 2>&1
    make -s -C lib >make.log 2>&1
    cp check_stdint.h "$folder/include"
    make -s -C src install-libLTLIBRARIES install-includeHEADERS >>make.log 2>&1
)
package check '-lcheck -lm'

# The kernel's headers, which musl does not bring.
for name in linux asm-generic mtd; do
    ln -s "/usr/include/$name" "$folder/include/$name"
done
ln -s "/usr/include/$(gcc -print-multiarch)/asm" "$folder/include/asm"

rm -rf "$folder/apt" "$folder/src" "$folder/obj"
touch "$folder/done"
