#!/bin/sh
# Finds what the build (`build`), the tests (`check`), the whole CI (`ci`) or the library for Windows (`windows`) need
# and installs what is missing.
# usage: scripts/deps.sh build|check|ci|windows...
set -eu

missing=''

# library PKG-CONFIG-NAME APT DNF PACMAN BREW
library() {
    command -v pkg-config >/dev/null && pkg-config --exists "$1" 2>/dev/null || want "$2" "$3" "$4" "$5"
}

# program COMMAND APT DNF PACMAN BREW
program() {
    command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || want "$2" "$3" "$4" "$5"
}

want() {
    case $manager in
    apt-get) missing="$missing $1" ;;
    dnf) missing="$missing $2" ;;
    pacman) missing="$missing $3" ;;
    brew) missing="$missing $4" ;;
    *) missing="$missing $1" ;;
    esac
}

manager=none
for candidate in apt-get dnf pacman brew; do
    if command -v "$candidate" >/dev/null; then
        manager=$candidate
        break
    fi
done

for set in "$@"; do
    case $set in
    build)
        program pkg-config pkg-config pkgconf-pkg-config pkgconf pkg-config
        library libcjson libcjson-dev cjson-devel cjson cjson
        library libcares libc-ares-dev c-ares-devel c-ares c-ares
        library libbsd libbsd-dev libbsd-devel libbsd libbsd
        ;;
    check)
        library check check check-devel check check
        program python3 python3 python3 python python3
        program nc netcat-openbsd netcat openbsd-netcat netcat
        program jq jq jq jq jq
        ;;
    ci)
        program clang clang clang clang llvm
        program clang-tidy clang-tidy clang-tools-extra clang llvm
        program clang-format clang-format clang-tools-extra clang clang-format
        program mandoc mandoc mandoc mandoc mandoc
        program cppcheck cppcheck cppcheck cppcheck cppcheck
        program valgrind valgrind valgrind valgrind ''
        ;;
    windows)
        program x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64-win32 mingw64-gcc mingw-w64-gcc mingw-w64
        command -v wine64 >/dev/null || [ -x /usr/lib/wine/wine64 ] || program wine wine64 wine wine wine-stable
        ;;
    bench)
        program python3 python3 python3 python python3
        ;;
    *)
        echo "deps.sh: unknown set '$set': build, check, ci, windows or bench" >&2
        exit 2
        ;;
    esac
done

[ -n "$missing" ] || exit 0

sudo=''
if [ "$(id -u)" != 0 ] && [ "$manager" != brew ]; then
    if command -v sudo >/dev/null; then
        sudo=sudo
    else
        manager=none
    fi
fi

give_up() {
    echo "minimio needs these packages, please install them:$missing" >&2
    exit 1
}

echo "installing:$missing"
# shellcheck disable=SC2086 # the list is words on purpose
case $manager in
apt-get)
    $sudo apt-get update -qq || give_up
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null || give_up
    ;;
dnf) $sudo dnf install -y -q $missing || give_up ;;
pacman) $sudo pacman -S --needed --noconfirm $missing || give_up ;;
brew) brew install -q $missing || give_up ;;
*) give_up ;;
esac
