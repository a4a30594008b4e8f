#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# SIGUSR2 runs the binary that the name of the start leads to by then, however minimiod was started.
# usage: MINIMIO_BUILD=BUILD tests/clients/upgrades.sh
set -eu
cd "$(dirname "$0")/../.."
. tests/clients/setup.sh

[ "$MINIMIO_BUILD" = "$build" ] || skip 'minimiod itself, without valgrind'
build=$(cd "$build" && pwd)
folder=$(cd "$folder" && pwd -P)
export MINIMIO_SOCKET="$folder/minimio.sock"
for version in 1 2 3; do
    mkdir "$folder/v$version"
    cp "$build/minimiod" "$folder/v$version/"
done

# In the background, and in a shell of its own, whose working directory and PATH may be any.
start() { # start SHELL-TEXT
    # shellcheck disable=SC2016 # bash expands it
    bash -c "cd '$folder'; $1" 2>"$folder/log" &
    daemon=$!
    pids="$pids $daemon"
    minimioctl ping --wait 20s >/dev/null
}

stop() {
    kill "$daemon"
    wait "$daemon" || :
}

# await WHAT COMMAND...
await() {
    local what=$1 tries
    shift
    for ((tries = 0; tries < 600; tries++)); do
        ! "$@" 2>/dev/null || return 0
        kill -0 "$daemon" || break
        timeout 0.1 tail --pid="$daemon" -f /dev/null || :
    done
    cp "$folder/log" "$folder/output"
    fail "$what; it runs $(readlink "/proc/$daemon/exe")"
}

runs() {
    [ "$(readlink "/proc/$daemon/exe")" = "$folder/$1" ]
}

becomes() { # becomes WHAT FILE
    kill -USR2 "$daemon"
    await "$1 does not become $2" runs "$2"
    minimioctl ping --wait 20s >/dev/null
}

stays() { # stays WHAT FILE TEXT
    kill -USR2 "$daemon"
    await "$1: the log does not say: $3" grep -qF -- "$3" "$folder/log"
    runs "$2" || fail "$1 runs $(readlink "/proc/$daemon/exe")"
    minimioctl ping >/dev/null
}

lead_to() {
    ln -sfn "v$1" "$folder/current"
}

# shellcheck disable=SC2016 # the inner shells expand these
for start in "exec $folder/current/minimiod" 'exec current/minimiod' 'cd current; exec ./minimiod' \
    'exec env PATH=/nowhere:$PWD/current minimiod'; do
    lead_to 1
    start "$start"
    for version in 2 3; do
        lead_to "$version"
        becomes "$start" "v$version/minimiod"
    done
    stop
done

# A folder of PATH that comes first has one now.
mkdir "$folder/first"
start "PATH=$folder/first:$folder/v1:$PATH exec minimiod"
cp "$build/minimiod" "$folder/first/"
becomes 'a bare name' first/minimiod
stop

# The first argument is any text: the file itself is what counts then.
start "exec -a /v2/minimiod $folder/v1/minimiod"
cp "$build/minimiod" "$folder/v1/new"
mv "$folder/v1/new" "$folder/v1/minimiod"
becomes 'a wrong first argument' v1/minimiod
stop

# A binary that is not there, one that may not be run, and what is no file.
lead_to 1
start "exec $folder/current/minimiod"
rm "$folder/current"
stays 'a name that leads nowhere' v1/minimiod \
    "not handed over: cannot run '$folder/current/minimiod': No such file or directory; this binary continues"
lead_to 2
chmod -x "$folder/v2/minimiod"
stays 'a file that may not be run' v1/minimiod "cannot run '$folder/current/minimiod': Permission denied"
chmod +x "$folder/v2/minimiod"
becomes 'a name that leads somewhere again' v2/minimiod
rm "$folder/v2/minimiod"
kill -USR2 "$daemon"
await 'a deleted binary' grep -qF "$folder/current/minimiod': No such file" "$folder/log"
cp "$build/minimiod" "$folder/v2/"
becomes 'a binary that was deleted' v2/minimiod
stop

# What was tried is what is run: one that is replaced meanwhile is not.
cat >"$folder/v3/minimiod" <<END
#!/bin/sh
echo tried >&2
read -r _ <"$folder/orders"
END
mkfifo "$folder/orders"
lead_to 1
start "exec $folder/current/minimiod"
lead_to 3
kill -USR2 "$daemon"
await 'the new binary is not tried' grep -qx tried "$folder/log"
cp "$build/minimiod" "$folder/v3/new"
mv "$folder/v3/new" "$folder/v3/minimiod"
echo pass >"$folder/orders"
await 'the log does not say why' grep -q 'the new binary was replaced after it was tried; this binary continues' "$folder/log"
runs v1/minimiod || fail 'it runs what was not tried'
becomes 'another signal' v3/minimiod
stop
