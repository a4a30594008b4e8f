#!/bin/sh
# Each function and constant of the public headers is described by a manual page, under its name and with its declaration as it
# is; and no page describes, or refers to, what is not there.
# usage: tests/installed/documented.sh
set -eu
cd "$(dirname "$0")/../.."
. tests/installed/header.sh

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

# The declarations of a page's synopsis, as C.
declarations() {
    awk '
        /^\.Sh/ { inside = $2 == "SYNOPSIS" }
        !inside { next }
        /^\.Ft / { type = substr($0, 5) }
        /^\.Fo / { name = $2; arguments = "" }
        /^\.Fa / { text = substr($0, 5); gsub(/"/, "", text); arguments = arguments (arguments ? ", " : "") text }
        /^\.Fc/ { print type " " name "(" arguments ");" }
    ' "$1"
}

# The names of a page, its own aside where that is no function.
names() {
    basename "$1" .3 | grep -xFf "$folder/declared" || :
    scripts/man_names.sh "$1" | cut -d ' ' -f 1
}

# require_described HEADER PAGE...: of what a header declares, all is in its pages and nothing else is.
require_described() {
    header=$1
    shift
    header_functions >"$folder/declared"
    header_constants >"$folder/constants"
    : >"$folder/all"
    echo "#include \"$header\"" >"$folder/synopses.c"
    for page in "$@"; do
        declarations "$page" >"$folder/page.c"
        cat "$folder/page.c" >>"$folder/synopses.c"
        sed 's/(.*//; s/.* //; s/^\**//' "$folder/page.c" | sort >"$folder/described"
        names "$page" | sort >"$folder/names"
        require_same "names of $page, against its synopsis" "$folder/described" "$folder/names"
        cat "$folder/described" >>"$folder/all"
    done
    sort "$folder/all" >"$folder/described"
    require_same 'functions described' "$folder/declared" "$folder/described"
    ${CC:-cc} -std=c11 -Wall -Wextra -Werror -I. -fsyntax-only "$folder/synopses.c"

    grep -ohE '^\.(It )?Dv MINIMIO_[A-Z_]+' "$@" | sed 's/.* //' | sort -u >"$folder/described"
    require_same 'constants described' "$folder/constants" "$folder/described"
}

client_page=man/minimio-client.3
# shellcheck disable=SC2046 # the pages are words on purpose
require_described libminimio/minimio.h $(find man -name '*.3' ! -path $client_page | sort)
require_described client/lib/minimio-client.h $client_page

{
    basename -s .3 -a man/*.3
    scripts/man_names.sh man/*.3 | cut -d ' ' -f 1
} | sort -u >"$folder/pages"
grep -ohE '\.Xr minimio[a-z_-]* 3' man/* | cut -d ' ' -f 2 | sort -u >"$folder/referred"
comm -13 "$folder/pages" "$folder/referred" >"$folder/unknown"
: >"$folder/none"
require_same 'references to pages' "$folder/none" "$folder/unknown"
