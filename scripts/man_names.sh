#!/bin/sh
# The names that manual pages describe beside the one that each is called by, as lines `NAME PAGE`.
# usage: scripts/man_names.sh PAGE...
set -eu

for path in "$@"; do
    page=${path##*/}
    sed -n '/^\.Sh NAME/,/^\.Sh [^N]/s/^\.Nm \([A-Za-z0-9_-]*\).*/\1/p' "$path" | while read -r name; do
        [ "$name" = "${page%.*}" ] || echo "$name $page"
    done
done
