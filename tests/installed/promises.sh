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

# One awk: a process for each promise takes longer than the search.
# shellcheck disable=SC2016 # the backquotes are the page's, the dollars awk's
grep -o '`tests/[^`]*`' "$page" | tr -d '`' | sort -u | awk -F : '
    function fail(what) {
        print "promises.sh: " $1 " " what >"/dev/stderr"
        exit 1
    }
    function require(pattern, what) {
        if (text !~ pattern)
            fail(what)
    }
    function says(words, lines, count, i, at) { # in a line, before any comment
        count = split(text, lines, "\n")
        for (i = 1; i <= count; i++) {
            at = index(lines[i], words)
            if (at > 0 && index(substr(lines[i], 1, at - 1), "#") == 0)
                return 1
        }
        return 0
    }
    $1 !~ /\.(c|py|sh)$/ { next }
    $1 != file {
        file = $1
        text = "\n"
        while ((getline line <file) > 0)
            text = text line "\n"
        close(file)
        if (text == "\n")
            fail("is not there")
    }
    /^[^:]*\.c/ {
        name = $2 ? $2 : "[a-z0-9_]+"
        require("\nSTART_TEST\\(" name "\\)\n", "has no test " name)
        require("tcase_add_(loop_)?test\\([a-z]*, " name "[,)]", "does not run " name)
    }
    /^[^:]*\.py/ { require("\ndef " $2 "\\(", "has no case " $2) }
    /^[^:]*\.sh/ && $2 && !says($2) { fail("does not check " $2) }
'
