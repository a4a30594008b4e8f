#!/bin/sh
# Finds what the build (`build`), the tests (`check`), the benches (`bench`), fuzzing (`fuzz`), coverage (`coverage`),
# foreign headers (`headers`), the library for Windows (`windows`), a 32-bit build (`m32`), a build with musl (`musl`) or
# the whole CI (`ci`) need and installs what is missing, with the package manager of the system. Prints nothing if nothing
# is missing.
#
# Root installs without a question. Other users install with sudo: on a terminal the script asks first, unless DEPS is
# `yes`; elsewhere it goes on only if sudo asks for no password. If the script cannot install, it prints a line to copy
# that has the packages for both `make` and `make check`, and exits with 1.
# usage: scripts/deps.sh build|check|bench|coverage|fuzz|headers|windows|m32|musl|ci...
set -eu

missing=''

# library PKG-CONFIG-NAME APT DNF PACMAN BREW
library() {
    if ! command -v pkg-config >/dev/null || ! pkg-config --exists "$1" 2>/dev/null; then
        want "$2" "$3" "$4" "$5"
    fi
}

# header FILE APT DNF PACMAN BREW
header() {
    echo "#include <$1>" | ${CC:-cc} -E - >/dev/null 2>&1 || want "$2" "$3" "$4" "$5"
}

# What the library's bench measures libminimio beside.
peers() {
    header ev.h libev-dev libev-devel libev libev
    library libevent_core libevent-dev libevent-devel libevent libevent
    library libuv libuv1-dev libuv-devel libuv libuv
}

# program COMMAND APT DNF PACMAN BREW
program() {
    command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || want "$2" "$3" "$4" "$5"
}

# works COMMAND APT DNF PACMAN BREW: a command that succeeds where it is there
works() {
    sh -c "$1" >/dev/null 2>&1 || want "$2" "$3" "$4" "$5"
}

want() {
    case $manager in
    dnf) packages=$2 ;;
    pacman) packages=$3 ;;
    brew) packages=$4 ;;
    *) packages=$1 ;;
    esac
    for package in $packages; do
        case " $missing " in
        *" $package "*) ;;
        *) missing="$missing $package" ;;
        esac
    done
}

manager=none
for candidate in apt-get dnf pacman brew; do
    if command -v "$candidate" >/dev/null; then
        manager=$candidate
        break
    fi
done

# need SET: adds what is missing of it
need() {
    case $1 in
    build)
        # shellcheck disable=SC2016 # the inner shell expands it
        works 'echo "int main(void) { return 0; }" | ${CC:-cc} -x c -o /dev/null -' 'gcc libc6-dev' gcc gcc gcc
        program pkg-config pkg-config pkgconf-pkg-config pkgconf pkg-config
        library libcjson libcjson-dev cjson-devel cjson cjson
        library libbsd libbsd-dev libbsd-devel libbsd libbsd
        library inih libinih-dev inih-devel libinih inih
        library smartcols libsmartcols-dev libsmartcols-devel util-linux-libs util-linux
        case $manager in # elsewhere it is built without
        apt-get | dnf | pacman) library libsystemd libsystemd-dev systemd-devel systemd-libs '' ;;
        esac
        ;;
    check)
        library check check check-devel check check
        program python3 python3 python3 python python3
        program nc netcat-openbsd netcat openbsd-netcat netcat
        program jq jq jq jq jq
        program c++ g++ gcc-c++ gcc gcc
        works 'python3 -c "import hypothesis" || /usr/bin/python3 -c "import hypothesis"' \
            python3-hypothesis python3-hypothesis python-hypothesis ''
        works '/usr/bin/python3 -c "import prometheus_client"' \
            python3-prometheus-client python3-prometheus_client python-prometheus_client ''
        program openssl openssl openssl openssl openssl
        works 'python3 -c "import ctypes; ctypes.CDLL(\"libcurl.so.4\")"' libcurl4 libcurl curl curl
        program strace strace strace strace ''
        program script bsdutils util-linux-script util-linux util-linux
        ;;
    ci)
        program clang clang clang clang llvm
        program clang-tidy clang-tidy clang-tools-extra clang llvm
        program clang-format clang-format clang-tools-extra clang clang-format
        program mandoc mandoc mandoc mandoc mandoc
        program cppcheck cppcheck cppcheck cppcheck cppcheck
        program valgrind valgrind valgrind valgrind ''
        peers
        program shellcheck shellcheck ShellCheck shellcheck shellcheck
        if [ "$manager" = apt-get ]; then # packages of our own
            program dpkg-buildpackage dpkg-dev '' '' ''
            program dh debhelper '' '' ''
            program lintian lintian '' '' ''
        fi
        case $manager in # the box in which tests boot a systemd
        apt-get | dnf | pacman)
            program /lib/systemd/systemd systemd systemd systemd ''
            program unshare util-linux util-linux util-linux ''
            program ip iproute2 iproute iproute2 ''
            program useradd passwd shadow-utils shadow ''
            program debootstrap debootstrap debootstrap debootstrap ''
            ;;
        esac
        case $manager in # the packages have probes
        apt-get | dnf) header sys/sdt.h systemtap-sdt-dev systemtap-sdt-devel '' '' ;;
        esac
        program node nodejs nodejs nodejs node
        program npm npm npm npm node
        works 'python3 -c "import aiorpcx" || /usr/bin/python3 -c "import aiorpcx"' python3-aiorpcx python3-aiorpcx python-aiorpcx ''
        works 'perl -MJSON::RPC::Common -e 1' libjson-rpc-common-perl perl-JSON-RPC-Common '' ''
        program zsh zsh zsh zsh zsh
        program fish fish fish fish fish
        program redis-server redis-server redis redis redis
        program php php-cli php-cli php php
        [ "$manager" != apt-get ] || program pg_ctlcluster postgresql '' '' ''
        ;;
    coverage)
        program gcovr gcovr gcovr gcovr gcovr
        ;;
    headers)
        program npm npm npm npm node
        ;;
    fuzz)
        program clang clang clang clang llvm
        program afl-clang-fast afl++ american-fuzzy-lop afl++ afl++
        program llvm-cov llvm llvm llvm llvm
        ;;
    windows)
        program x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64-win32 mingw64-gcc mingw-w64-gcc mingw-w64
        command -v wine64 >/dev/null || [ -x /usr/lib/wine/wine64 ] || program wine wine64 wine wine wine-stable
        ;;
    m32)
        works "echo 'int main() { return 0; }' | c++ -m32 -x c++ -o /dev/null -" g++-multilib glibc-devel.i686 lib32-gcc-libs ''
        ;;
    musl)
        program musl-gcc musl-tools musl-gcc musl ''
        ;;
    bench)
        peers
        # Debian's redis-server starts a service; the same program is in its tools, by another name.
        command -v redis-server >/dev/null || program redis-check-rdb redis-tools redis redis redis
        ;;
    *)
        echo "deps.sh: unknown set '$1': build, check, ci, bench, coverage, fuzz, headers, windows, m32 or musl" >&2
        exit 2
        ;;
    esac
}

for set in "$@"; do
    need "$set"
done
[ -n "$missing" ] || exit 0
missing=${missing# }

# ---- Whether the packages can be installed --------------------------------------------------------------------------

has() {
    command -v "$1" >/dev/null
}

# For people: the whole installation as one command.
install_command() { # install_command PREFIX PACKAGES
    case $manager in
    apt-get) echo "$1apt-get update && $1apt-get install -y $2" ;;
    dnf) echo "$1dnf install $2" ;;
    pacman) echo "$1pacman -S --needed $2" ;;
    brew) echo "brew install $2" ;;
    esac
}

# The line to copy has what the tests need too, so that nobody is stopped a second time.
give_up() { # give_up WHY
    need build
    need check
    missing=${missing# }
    {
        if [ "$manager" = none ]; then
            echo "minimio: $1. make and make check need, by Debian's names:"
            echo "    $missing"
        else
            echo "minimio: $1. This line installs what make and make check need:"
            if [ "$(id -u)" = 0 ] || [ "$manager" = brew ]; then
                echo "    $(install_command '' "$missing")"
            elif has sudo; then
                echo "    $(install_command 'sudo ' "$missing")"
            else
                echo "    su -c '$(install_command '' "$missing")'"
            fi
        fi
    } >&2
    exit 1
}

confirm() { # on a terminal, with Enter for yes
    printf 'Run sudo %s now? [Y/n] ' "$manager" >&2
    read -r answer || answer=no
    case $answer in
    '' | [Yy] | [Yy][Ee][Ss]) return 0 ;;
    *) return 1 ;;
    esac
}

case $manager in
apt-get) tool='apt-get, which also updates its package lists' ;;
*) tool=$manager ;;
esac
[ "$manager" != none ] || give_up 'found none of apt-get, dnf, pacman and brew'

sudo=''
if [ "$(id -u)" != 0 ] && [ "$manager" != brew ]; then
    has sudo || give_up 'cannot install packages without root or sudo'
    sudo=sudo
fi

echo "minimio needs packages that are not installed: $missing"
if [ -n "$sudo" ] && [ "${DEPS:-}" != yes ]; then
    if [ -t 0 ] && [ -t 2 ]; then
        confirm || give_up 'nothing was installed'
    else
        sudo -n true 2>/dev/null || give_up 'sudo needs a password, and there is no terminal to ask for it'
    fi
fi
echo "installing them with $tool; this takes about a minute, once"

# ---- The installation -----------------------------------------------------------------------------------------------

failed() {
    give_up "$manager failed"
}

# shellcheck disable=SC2086 # the list is words on purpose
case $manager in
apt-get)
    $sudo apt-get update -qq || failed
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null || failed
    ;;
dnf) $sudo dnf install -y -q $missing || failed ;;
pacman) $sudo pacman -S --needed --noconfirm $missing || failed ;;
brew) brew install -q $missing || failed ;;
esac
echo 'the packages are installed'
