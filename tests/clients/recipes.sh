#!/bin/sh
# Runs one of the recipes with the real programs, which come up late.
# usage: MINIMIO_BUILD=BUILD tests/clients/recipes.sh services|redis|many
set -eu
cd "$(dirname "$0")/../.."
. tests/clients/setup.sh

# PostgreSQL does not run as root.
as_user() {
    if [ "$(id -u)" = 0 ]; then
        runuser -u postgres -- "$@"
    else
        "$@"
    fi
}

start_redis() {
    redis-server --port "$1" --bind 127.0.0.1 --save '' --dir "$folder" >"$folder/redis.log" 2>&1 &
    redis=$!
    pids="$pids $redis"
}

start_postgres() {
    data=$(mktemp -d /tmp/minimio-postgres-XXXXXX) # which another user can reach
    folders="$folders $data"
    [ "$(id -u)" != 0 ] || chown postgres "$data"
    as_user "$programs/initdb" -D "$data" -A trust --no-sync -U tester >"$folder/output" 2>&1 || fail 'initdb failed'
    as_user "$programs/postgres" -D "$data" -p "$1" -h 127.0.0.1 -k "$data" -F >"$folder/postgres.log" 2>&1 &
    pids="$pids $!"
}

services() {
    require redis-server
    require pg_isready
    programs=$(find /usr/lib/postgresql -name initdb 2>/dev/null | sort | tail -n 1)
    [ -n "$programs" ] || programs=$(command -v initdb || :)
    [ -n "$programs" ] || skip 'a PostgreSQL server'
    programs=${programs%/initdb}
    [ "$(id -u)" != 0 ] || id postgres >/dev/null 2>&1 || skip 'a user postgres'

    sql=$(free_port) cache=$(free_port)
    mkfifo "$folder/done"
    TIMEOUT=60s examples/recipes/wait_for_services.sh "127.0.0.1:$sql" "127.0.0.1:$cache" sh -c \
        "psql -h 127.0.0.1 -p $sql -U tester -d postgres -Atc 'select 40 + 2' && redis-cli -p $cache ping" \
        >"$folder/done" 2>"$folder/output" &
    pids="$pids $!"
    start_redis "$cache"
    start_postgres "$sql"
    [ "$(timeout 60 cat "$folder/done")" = '42
PONG' ] || fail 'the command did not find both services'
    ! TIMEOUT=100ms examples/recipes/wait_for_services.sh 127.0.0.1:1 "127.0.0.1:$cache" echo ran >"$folder/output" 2>&1 ||
        fail 'it did not give up'
    ! grep -q ran "$folder/output" || fail 'it ran the command nevertheless'
}

# consume TEXT: starts a consumer, and awaits that it prints this first. It is left running as $consumer.
consume() {
    rm -f "$folder/messages"
    mkfifo "$folder/messages"
    setsid examples/recipes/redis_subscription.sh "127.0.0.1:$port" news >"$folder/messages" &
    consumer=$!
    exec 5<"$folder/messages"
    read -r line <&5
    [ "$line" = "$1" ] || fail "the consumer printed '$line', not '$1'"
}

redis() {
    require redis-server
    port=$(free_port)
    start_redis "$port"
    minimioctl wait --quiet --timeout 20s "127.0.0.1:$port"
    start_daemon

    # A consumer that has begun is subscribed when Redis says so.
    (
        while [ "$(redis-cli -p "$port" publish news first)" = 0 ]; do sleep 0.02; done
    ) &
    pids="$pids $!"
    consume first
    kill -- "-$consumer"
    wait "$consumer" 2>/dev/null || :
    exec 5<&-
    [ "$(redis-cli -p "$port" publish news second)" = 1 ] || fail 'the subscription ended with its consumer'
    [ "$(redis-cli -p "$port" publish news message)" = 1 ] || fail 'the subscription ended'
    consume second
    read -r line <&5
    [ "$line" = message ] || fail "the consumer printed '$line' last"
    kill -- "-$consumer"
    wait "$consumer" 2>/dev/null || :
}

many() {
    start_daemon
    start_told_servers 2
    slow=${targets% *}
    fast=${targets##* }
    tell 2
    i=0
    while [ $i -lt 250 ]; do
        echo "$slow"
        echo "$fast"
        i=$((i + 1))
    done >"$folder/addresses"
    # The slow ones greet when all of the fast ones were told.
    { timeout 60 examples/recipes/many_connections.sh many <"$folder/addresses" 2>&1 || echo "it failed with $?"; } |
        while read -r line; do
            echo "$line" >>"$folder/output"
            i=$((i - 1))
            [ $i != 0 ] || tell 1
        done
    ! grep -F 'it failed' "$folder/output" >/dev/null || fail 'it failed'
    [ "$(wc -l <"$folder/output")" = 500 ] || fail 'it did not tell of each, once'
    [ "$(cut -d ' ' -f 1 "$folder/output" | sort -un | wc -l)" = 500 ] || fail 'it told of some more than once'
    [ "$(head -n 250 "$folder/output" | grep -cF "at $fast: readable")" = 250 ] || fail 'it did not tell them in their order'
    [ -z "$(minimioctl loops --names)" ] || fail 'it left its loop behind'
}

"$1"
