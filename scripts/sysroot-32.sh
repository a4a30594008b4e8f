#!/bin/sh
# Fetches the libraries that the 32-bit x86 build uses from Debian's archive, and unpacks them into a folder: nothing is
# installed, so they are in no other's way. The C library is the compiler's own, of g++-multilib.
# usage: scripts/sysroot-32.sh FOLDER
set -eu

folder=${1:?usage: scripts/sysroot-32.sh FOLDER}
packages='libcjson-dev libbsd-dev libinih-dev libsmartcols-dev libsystemd-dev check'

[ ! -e "$folder/done" ] || exit 0
command -v apt-get >/dev/null || {
    echo "sysroot-32.sh: there is no apt-get to fetch 32-bit libraries with" >&2
    exit 1
}

rm -rf "$folder"
mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial"
apt="$(cd "$folder/apt" && pwd)"

# A state of its own, in which i386 is the only architecture and nothing is installed yet.
fetch() {
    apt-get -qq -o APT::Architecture=i386 -o APT::Architectures=i386 -o Dir::State="$apt" -o Dir::State::status=/dev/null \
        -o Dir::Cache="$apt" -o Debug::NoLocking=1 -o APT::Sandbox::User= "$@"
}

fetch update || : # not every source has i386; what is missing then is missed below
# shellcheck disable=SC2086 # the list is words on purpose
fetch --yes --download-only --no-install-recommends install $packages >/dev/null
for package in "$folder"/apt/archives/*.deb; do
    case ${package##*/} in
    libc6* | libc-dev* | linux-libc-dev* | libgcc-s1* | libstdc++6*) ;;
    *) dpkg-deb --extract "$package" "$folder" ;;
    esac
done
rm -rf "$folder/apt"
touch "$folder/done"
