#!/bin/sh
# The linters, each with a short list of checks that are worth it. usage: .ci/lint.sh
set -eu
cd "$(dirname "$0")/.."

product='libminimio names proto daemon client examples fuzz'
# shellcheck disable=SC2086 # the folders are words on purpose
sources=$(find $product -name '*.c' ! -name '*_windows.c' | sort)

echo '== clang-format'
# shellcheck disable=SC2046
clang-format --dry-run -Werror $(git ls-files '*.c' '*.h')

echo '== clang-tidy'
# The analyzer looks at as many states of a function as this; by its default of 225,000 the run takes four times as long.
export analyzer='-Xclang -analyzer-config -Xclang max-nodes=60000'
# shellcheck disable=SC2086,SC2016 # the inner shell expands what it is given
printf '%s\n' $sources | xargs -P "$(nproc)" -n 4 sh -c '
    clang-tidy --quiet "$@" -- -std=c11 -D_GNU_SOURCE -I. -Ilibminimio -Iclient/lib -Itests/kqueue -DKQUEUE_LIKE_MACOS -DMINIMIO_VERSION=\"lint\" $analyzer 2>lint.$$ || { cat lint.$$; rm -f lint.$$; exit 1; }
    rm -f lint.$$' sh
# For the other platform, where its headers are at hand.
windows_headers=/usr/x86_64-w64-mingw32/include
if [ -d "$windows_headers" ]; then
    clang-tidy --quiet libminimio/*_windows.c -- --target=x86_64-w64-windows-gnu -isystem "$windows_headers" -std=c11 \
        -D_WIN32_WINNT=0x0A00 -I. 2>lint.$$ || { cat lint.$$; rm -f lint.$$; exit 1; }
    rm -f lint.$$
fi

echo '== cppcheck'
# shellcheck disable=SC2086
cppcheck --quiet --std=c11 --error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
    --suppress=missingIncludeSystem --library=posix -D_GNU_SOURCE -DMINIMIO_VERSION='"lint"' \
    -D'STAILQ_HEAD(name,type)=struct name{struct type*a,**b;}' -D'TAILQ_HEAD(name,type)=struct name{struct type*a,**b;}' \
    -D'LIST_HEAD(name,type)=struct name{struct type*a;}' -D'SLIST_HEAD(name,type)=struct name{struct type*a;}' \
    -D'RB_HEAD(name,type)=struct name{struct type*a;}' -D'cJSON_ArrayForEach(e,a)=for((e)=(a);(e);)' \
    -I. -Ilibminimio -Iclient/lib -Itests/kqueue -DKQUEUE_LIKE_MACOS $product

echo '== shellcheck'
# shellcheck disable=SC2046
shellcheck -x $(git ls-files '*.sh' .ci/run)

echo '== the rooms and their walls'
scripts/rooms.py daemon client
wall() { # wall WHAT PATTERN FILES…
    what=$1 pattern=$2
    shift 2
    if grep -HnE "$pattern" "$@"; then
        echo "lint: $what" >&2
        exit 1
    fi
}
# shellcheck disable=SC2046
wall 'cJSON belongs to minimioctl, the tests and the fuzzers' 'cJSON\.h' \
    $(find libminimio names daemon proto client/lib -name '*.[ch]')
# shellcheck disable=SC2046
wall 'platform headers belong to their backend' 'sys/(epoll|event|eventfd)\.h' \
    $(find libminimio daemon proto client -name '*.[ch]' ! -name 'selector_*' ! -name '*_posix.c')
wall 'libminimio knows nothing of the other rooms' 'include "(proto|daemon|client)/' libminimio/*.[ch]
wall 'names knows nothing of the other rooms' 'include "(proto|daemon|client|libminimio)/' names/*.[ch]
# shellcheck disable=SC2046
wall 'names are looked up in names/ alone' '(getaddrinfo|gethostby[a-z_0-9]*) *\(' \
    $(find libminimio daemon proto client -name '*.[ch]')
wall 'proto knows nothing of the other rooms' 'include "(daemon|client|libminimio)/|sys/socket\.h' proto/*.[ch]
# shellcheck disable=SC2046
wall 'libinih belongs to daemon/config/config_lines.c' '<ini\.h>' \
    $(find libminimio daemon proto client -name '*.[ch]' ! -path daemon/config/config_lines.c)
wall 'the client library needs the C library and proto alone' 'include "(libminimio|names)/' client/lib/*.[ch]
# shellcheck disable=SC2046
wall 'libsystemd belongs to daemon/manager/manager.c' 'systemd/sd-' $(find libminimio proto daemon client -name '*.[ch]' ! -path daemon/manager/manager.c)
wall 'handlers touch neither sockets nor JSON' '\b(send|recv|sendmsg|recvmsg|cJSON_[A-Za-z]+) *\(' daemon/methods/handlers.c
# shellcheck disable=SC2046
wall 'the daemon uses libminimio through minimio.h alone' 'include "libminimio/[^m]' $(find daemon -name '*.[ch]')
wall 'minimioctl uses libminimio through minimio.h alone' 'include "libminimio/[^m]' client/ctl/*.[ch]

echo '== a suite that runs in parts has all its test cases in the table'
# shellcheck disable=SC2013 # these are words
for suite in $(sed -n 's/^    PART(\([a-z_]*\), .*/\1/p' tests/main.c | sort -u); do
    file=$(grep -rl --include='*.c' "suite_create(\"$suite\")" tests fuzz)
    grep -oE '(add_case\(suite, |tcase_create\()"[a-z_]+"' "$file" | sed 's/.*"\(.*\)"/\1/' | while read -r name; do
        grep -q "PART($suite, $name," tests/main.c || {
            echo "lint: tests/main.c does not list $suite:$name" >&2
            exit 1
        }
    done
done

echo '== the packages are built with what the build needs'
sed -n '/^    build)/,/;;$/s/^ *\(apt-get.*) \)\{0,1\}\(library\|program\) [^ ]* \([^ ]*\).*/\3/p' scripts/deps.sh |
    while read -r package; do
        grep -qE "^ +$package,?\$|: $package,?\$" debian/control || {
            echo "lint: debian/control does not name $package" >&2
            exit 1
        }
    done

echo '== pronouns in prose'
scripts/prose.py --list scripts/prose.list

echo '== manual pages'
for page in man/*.[0-9]; do
    mandoc -T lint -W warning "$page"
done
tests/installed/documented.sh
tests/installed/promises.sh
echo 'lint: clean'
