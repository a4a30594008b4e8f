# shellcheck shell=sh
# What a public header declares, as functions for the scripts here to source.

header=libminimio/minimio.h # or client/lib/minimio-client.h

# The header without its comments.
header_code() {
    sed -e 's,/\*.*\*/,,' -e '/\/\*/,/\*\//d' "$header"
}

header_functions() {
    header_code | grep -oE '\bminimio_[a-z_]+\(' | tr -d '(' | sort -u
}

# Macros and enumerators; not the guard.
header_constants() {
    header_code | grep -oE '\bMINIMIO_[A-Z_]+\b' | grep -vE '^MINIMIO_(CLIENT_)?H$' | sort -u
}

# Requires that two files of sorted lines are equal. require_same WHAT EXPECTED GOT
require_same() {
    diff "$2" "$3" >&2 && return
    echo "$1: '<' is missing, '>' is too much" >&2
    exit 1
}
