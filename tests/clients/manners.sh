#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# minimioctl as it meets people and scripts: nothing typed, help wherever it is asked for, what the errors say, hints that
# can be pasted, standard streams that are closed.
# usage: MINIMIO_BUILD=BUILD tests/clients/manners.sh
set -eu
cd "$(dirname "$0")/../.."
. tests/clients/setup.sh
build=$(cd "$build" && pwd)

# run STATUS ARGUMENT...: its outputs are then in $folder/out and $folder/output, standard error.
run() {
    local expected=$1 status=0
    shift
    command=$*
    timeout 60 minimioctl "$@" >"$folder/out" 2>"$folder/output" </dev/null || status=$?
    [ "$status" = "$expected" ] || fail "minimioctl $command ended with $status, not $expected"
}

says() { # says TEXT...: a part of standard error
    for text in "$@"; do
        grep -qF -- "$text" "$folder/output" || fail "minimioctl $command does not say: $text"
    done
}

names=$(minimioctl --help | sed -n 's/^  \([a-z][a-z-]*\)  *[a-z].*/\1/p' | grep -v '^help$')
[ "$(echo "$names" | wc -l)" -ge 23 ] || fail "too few commands: $names"
case $names in *completions*) ;; *) fail 'completions is not in --help' ;; esac

# ---- Nothing, and variables that are empty

run 2
says 'usage: minimioctl COMMAND' '  completions '
run 2 ''
says 'usage: minimioctl COMMAND'
run 2 --json
says 'usage: minimioctl COMMAND'
run 2 --socket '' ping
says "invalid --socket ''" 'usage: minimioctl'
MINIMIO_SOCKET='' run 2 ping
says 'MINIMIO_SOCKET is empty' 'usage: minimioctl ping'
for name in $names; do
    if [ "$name" = list ] || grep -q -- '--loop NAME  ' <<<"$(minimioctl "$name" --help)"; then
        run 2 "$name" --loop ''
        says "invalid --loop ''" "usage: minimioctl $name"
    fi
    run 2 "$name" ''
    says "usage: minimioctl $name"
done

# ---- Help and version, wherever they stand

for name in $names; do
    for line in "$name --help" "--json $name x:1 -h" "$name -h x" "help $name"; do
        # shellcheck disable=SC2086 # these are words on purpose
        run 0 $line
        grep -q "^usage: minimioctl $name" "$folder/out" || fail "minimioctl $line does not print the usage"
    done
    minimioctl "$name" --help >"$folder/out"
    [ -z "$(cat -s "$folder/out" | diff - "$folder/out")" ] || fail "$name --help has two empty lines"
    [ "$name" = call ] || ! grep -q '.\{110\}' "$folder/out" || fail "$name --help has a long line"
    run 0 "$name" -V
    grep -q '^minimioctl [0-9]' "$folder/out" || fail "minimioctl $name -V does not print the version"
done
for line in -h --help help 'help help' 'help -h'; do
    # shellcheck disable=SC2086
    run 0 $line
    grep -q '^usage: minimioctl COMMAND' "$folder/out" || fail "minimioctl $line does not print the usage"
done
run 0 -V
run 2 help list extra
says "unexpected argument 'extra'"
for program in "$build/minimiod" "$build/examples/delay_server" "$build/examples/greetings" "$build/examples/reactor"; do
    for option in -h --help; do
        "$program" $option >"$folder/out" 2>"$folder/output" || fail "$program $option failed"
        grep -q '^usage: ' "$folder/out" || fail "$program $option does not print the usage"
    done
done
for option in -V --version; do
    "$build/minimiod" $option | grep -q '^minimiod [0-9]' || fail "minimiod $option does not print the version"
done

# ---- Errors name the option, the value, and what is allowed

wrong() { # wrong TEXT ARGUMENT...
    text=$1
    shift
    run 2 "$@"
    says "$text" 'usage: minimioctl '
}
long=$(printf '%065d' 0)
wrong "invalid --loop '$long': a name of 1 to 64 letters, digits, dots, underscores and hyphens" list --loop "$long"
wrong "invalid --linger '9y': a duration from 0 to 8784h, such as 500ms, 2s, 1.5m or 1h" list --linger 9y
wrong "invalid --timeout '9000h': a duration from 0 to 8784h" --timeout 9000h list
wrong "invalid --wait '': a duration from 0 to" ping --wait ''
wrong "invalid --interval '0.5ms': a duration from 1ms to" wait x:1 --interval 0.5ms
wrong "invalid --interval '9ms': a duration from 10ms to" top --interval 9ms
wrong "invalid --interests 'reed'; use readable, writable, closed" register --loop a 1 x:1 --interests readable,reed
wrong "invalid --interests 'none'; use readable, writable" watch x:1 --interests none
wrong "invalid --mode 'level'; use oneshot, edge" watch x:1 --mode level
wrong "invalid --mode 'x'; use oneshot, edge, level" reregister --loop a 1 --mode x
wrong "invalid --max '32769': an integer from 1 to 32768" read --loop a 1 --max 32769
wrong "invalid --encoding 'x'; use auto, base64" read --loop a 1 --encoding x
wrong "invalid --token '-1': an integer from 0 to 9007199254740991" run --loop a --token -1 -- true
wrong "invalid --count '0': an integer from 1 to 9007199254740991" events --loop a --count 0
wrong "invalid token 'x': an integer from 0 to 9007199254740991" deregister --loop a x
wrong "invalid direction 'up'; use read, write, both" shutdown --loop a 1 up
wrong "invalid --exec ''" watch x:1 --exec ''
wrong "invalid --exec ' '" events --loop a --exec ' '
wrong '--openmetrics and --json are mutually exclusive' stats --openmetrics --json
wrong '--names and --json are mutually exclusive' loops --json --names
wrong 'the parameters are not JSON at byte 1: ' call ping '{'
wrong "invalid shell 'csh'; use bash, zsh, fish" completions csh
wrong "invalid address 'x:0': the port is an integer from 1 to 65535 without leading zeros" watch x:0
wrong "unknown option '--lop'" list --lop=x
wrong "unknown option '-x'" list --timeout=1s -xV
wrong "option '--t' is ambiguous" list --t
wrong "option '--json' takes no value" list --json=x
wrong "option '--loop' needs a value" list --loop
wrong "unknown option '--\x1b[2J'" list $'--\033[2J'

# ---- Errors of the daemon, said once

start_daemon
start_servers 0
server=${targets# }
run 1 register --loop a 1 127.0.0.1:1
[ "$(cat "$folder/output")" = 'minimioctl register: 1 127.0.0.1:1: Connection refused' ] || fail 'said twice, or otherwise'
run 1 watch 127.0.0.1:1
[ "$(cat "$folder/output")" = 'minimioctl watch: 127.0.0.1:1: Connection refused' ] || fail 'said twice, or otherwise'
run 0 register --loop a 7 "$server"
run 1 deregister --loop a 8
[ "$(cat "$folder/output")" = 'minimioctl deregister: token 8 is not registered in this loop (TOKEN_UNKNOWN)' ] ||
    fail 'said twice, or otherwise'
run 1 reregister --loop a 7 --mode level
says "7: invalid --mode 'level': level needs a loop with poll delivery; use oneshot or edge"

# ---- Hints that can be pasted

for socket in "$folder/new/folder/x.sock" "$folder/it's a \$HOME/\`x\`" "$folder/"$'\033[2J%\\/s'; do
    # neither of the programs is in this PATH
    PATH=/usr/bin:/bin "$build/minimioctl" --socket "$socket" ping 2>"$folder/output" && fail 'a daemon answers'
    ! grep -q $'\033' "$folder/output" || fail 'a hint steers the terminal'
    hint=$(sed -n 's/^Is minimiod running? Start it with: //p' "$folder/output")
    [ -n "$hint" ] || fail 'no hint'
    PATH=/usr/bin:/bin sh -c "${hint/'&& '/'&& exec '}" 2>"$folder/log2" &
    pids="$pids $!"
    run 0 --socket "$socket" ping --wait 20s
    kill $!
    wait $! || :
done
touch "$folder/file"
run 1 --socket "$folder/file" ping
says 'it exists and is not a socket'
! grep -q 'Start it' "$folder/output" || fail 'a hint that cannot work'

# Where a service manager runs and has the unit, that is who starts the daemon.
hint_under_systemd() { # hint_under_systemd SOCKET UNIT
    # shellcheck disable=SC2016 # the inner shell expands its arguments
    unshare -rm sh -c 'mount -t tmpfs none /run && mkdir -p "/run/systemd/system" "${2%/*}" && touch "$2" &&
        mkdir -p /run/user/7/systemd && touch /run/user/7/systemd/private && minimioctl --socket "$1" ping' sh "$1" "$2" 2>&1 | sed -n 's/^Is minimiod running? Start it with: //p'
}
if unshare -rm mount -t tmpfs none /run 2>/dev/null; then
    export XDG_RUNTIME_DIR=/run/user/7
    units=/run/systemd/system
    for case in "/run/minimio/minimio.sock $units/minimiod.service systemctl start minimiod" \
        "/run/minimio/web.sock $units/minimiod@.service systemctl start minimiod@web" \
        "/run/user/7/minimio.sock /run/systemd/user/minimiod.service systemctl --user start minimiod"; do
        read -r socket unit expected <<<"$case"
        hint=$(hint_under_systemd "$socket" "$unit")
        [ "$hint" = "$expected" ] || fail "the hint for $socket is: $hint"
    done
    case $(hint_under_systemd /run/minimio/web.sock "$units/other.service") in
    mkdir*) ;;
    *) fail 'a unit that does not exist is named' ;;
    esac
fi

# ---- Standard streams that are closed

if command -v python3 >/dev/null; then
    for closed in '>&-' '<&- >&-' '<&- >&- 2>&-'; do
        python3 tests/clients/closed_streams.py "$closed" "$build/minimioctl" connect || fail "$closed: the peer is obeyed"
    done
    "$build/minimiod" --socket "$folder/closed.sock" <&- >&- 2>&- &
    pids="$pids $!"
    run 0 --socket "$folder/closed.sock" ping --wait 20s
fi
run_closed=0
minimioctl hello 2>"$folder/output" >&- || run_closed=$?
[ $run_closed = 1 ] || fail "hello with standard output closed ended with $run_closed"
