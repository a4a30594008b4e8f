#!/bin/sh
# Each promise of SECURITY.md names a test, and each test that it names is there: of C, a test that its suite runs; of a
# script, a line that it checks; of Python, a case. usage: tests/installed/promises.sh
set -eu
cd "$(dirname "$0")/../.."

page=SECURITY.md
fail() {
    echo "promises.sh: $1" >&2
    exit 1
}

promises=$(grep '^| ' "$page" | grep -vc '^| promise ')
[ "$promises" -gt 20 ] || fail "$page is not understood"
# shellcheck disable=SC2016 # the backquotes are the page's
grep '^| ' "$page" | grep -v '^| promise ' | grep -v '`tests/[^`]*`' && fail 'a promise without a test'

# shellcheck disable=SC2016 # the backquotes are the page's
grep -o '`tests/[^`]*`' "$page" | tr -d '`' | sort -u | while IFS=: read -r file name; do
    case $file in
    *.c)
        grep -qx "START_TEST(${name:-.*})" "$file" || fail "$file has no test $name"
        grep -q "tcase_add_\(loop_\)\{0,1\}test([a-z]*, ${name:-.*}[,)]" "$file" || fail "$file does not run $name"
        ;;
    *.py) grep -q "^def $name(" "$file" || fail "$file has no case $name" ;;
    *.sh) grep -q "^[^#]*$name" "$file" || fail "$file does not check '$name'" ;;
    esac
done
