#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the Debian packages of this tree into a folder, without touching the tree. usage: build_packages.sh FOLDER
set -eu
folder=$(realpath "$1")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
git ls-files -z | tar --create --null --files-from=- | tar --extract --directory="$work" --one-top-level=minimio
cd "$work/minimio"
env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u CFLAGS dpkg-buildpackage -us -uc -b -j"$(nproc)" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    exit 1
}
cp "$work"/*.deb "$work"/*.changes "$work"/*.buildinfo "$folder"
