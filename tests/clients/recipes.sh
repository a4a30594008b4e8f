#!/bin/sh
# Runs one of the recipes with the real programs, which come up late.
# usage: MINIMIO_BUILD=BUILD tests/clients/recipes.sh services|redis|many|pool|hold|heartbeat|checkout
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

# serve_redis: its address is in $address, its port in $port.
serve_redis() {
    require redis-server
    port=$(free_port)
    address=127.0.0.1:$port
    start_redis "$port"
    minimioctl wait --quiet --timeout 20s "$address"
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
    serve_redis
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

# redis_is VALUE COMMAND...: a worker of the pool prints this
redis_is() {
    expected=$1
    shift
    printed=$(timeout 60 examples/recipes/redis_pool.php pool "$address" 8 "$@" 2>&1) || :
    [ "$printed" = "$expected" ] || fail "the worker of '$*' printed '$printed', not '$expected'"
}

connections() {
    redis-cli -p "$port" info stats | tr -d '\r' | sed -n 's/^total_connections_received://p'
}

pool() {
    require php
    php -r 'exit(function_exists("socket_recvmsg") ? 0 : 1);' || skip "PHP's sockets"
    serve_redis
    start_daemon

    # 50 workers at once: 8 connections, and each worker has the reply to its own request.
    before=$(connections)
    # shellcheck disable=SC2016 # the inner shell expands it
    seq 50 | timeout 120 xargs -I N -P 50 sh -c \
        '[ "$(examples/recipes/redis_pool.php pool '"$address"' 8 ECHO N)" = N ] || echo N' >"$folder/output" 2>&1 || :
    [ ! -s "$folder/output" ] || fail 'some workers have not printed their own'
    [ "$(($(connections) - before - 1))" = 8 ] || fail 'the pool has not 8 connections'

    # A worker dies in the middle of a request, whose reply comes to its connection afterwards.
    mkfifo "$folder/monitor"
    redis-cli -p "$port" monitor >"$folder/monitor" &
    monitor=$!
    pids="$pids $monitor"
    exec 5<"$folder/monitor"
    read -r line <&5
    examples/recipes/redis_pool.php pool "$address" 8 BLPOP jobs 0 >/dev/null 2>&1 &
    worker=$!
    until case $line in *BLPOP*) true ;; *) false ;; esac do read -r line <&5; done
    kill -KILL "$worker"
    wait "$worker" 2>/dev/null || :
    kill "$monitor"
    exec 5<&-
    redis-cli -p "$port" rpush jobs poison >/dev/null
    [ "$(redis-cli -p "$port" exists jobs)" = 0 ] || fail 'the connection of the dead worker has ended too early'
    before=$(connections)
    for i in $(seq 16); do # twice each connection
        redis_is "$i" ECHO "$i"
    done
    [ "$(($(connections) - before - 1))" = 1 ] || fail 'not one connection was replaced'

    # A connection that Redis has closed is replaced, and an error of Redis costs no connection.
    redis-cli -p "$port" client kill type normal skipme yes >/dev/null
    redis_is again ECHO again
    redis_is "redis_pool.php: ERR wrong number of arguments for 'get' command" GET
    [ "$(minimioctl list --loop pool --json | wc -l)" = 8 ] || fail 'the pool has not 8 connections in the end'
}

hold() {
    serve_redis
    start_daemon
    recipe=examples/recipes/hold_connections.sh
    [ "$(wc -l <"$recipe")" -le 10 ] || fail 'the script has more than ten lines'
    yes "$address" | head -n 200 >"$folder/addresses"
    hold_run() {
        timeout 60 "$recipe" held <"$folder/addresses" >"$folder/printed" 2>"$folder/output" || fail "run $1 failed"
        tr -s ' ' <"$folder/printed" | sort >"$folder/$1" # printed in the order of the replies
    }
    hold_run 1
    hold_run 2
    [ "$(wc -l <"$folder/1")" = 200 ] || fail 'the first run has not connected 200'
    [ "$(awk '{ print $0, "existing" }' "$folder/1")" = "$(cat "$folder/2")" ] || fail 'the second run changed something'

    cut=$(awk '$1 == 77 { print $2 }' "$folder/1")
    redis-cli -p "$port" client kill addr "$cut" >/dev/null
    minimioctl events --loop held --count 1 >"$folder/output" # the end has come
    hold_run 3
    [ "$(grep -vc existing "$folder/3")" = 1 ] || fail 'the third run has not connected one anew'
    awk '$1 == 77 && !/existing/ { found = 1 } END { exit !found }' "$folder/3" || fail 'it connected another one anew'
    [ "$(redis-cli -p "$port" client list type normal | grep -vc cmd=client)" = 200 ] || fail 'Redis has not 200 connections'
    hold_run 4
    [ "$(grep -c existing "$folder/4")" = 200 ] || fail 'the fourth run changed something'
}

heartbeat() {
    require jq
    serve_redis
    start_daemon
    minimioctl register --loop beats 1 "$address" 2 "$address" 3 "$address" >/dev/null
    mkfifo "$folder/lines"
    setsid examples/recipes/handle_events.sh beats >"$folder/lines" 2>"$folder/handler" &
    handler=$!
    exec 5<"$folder/lines"
    examples/recipes/heartbeat.sh beats 0.1 PING >"$folder/output" 2>&1 &
    heart=$!
    pids="$pids $heart"
    # Three heartbeats of each connection, in whatever order.
    heard=''
    until [ "$(printf '%s' "$heard" | sort | uniq -c | awk '$1 >= 3' | wc -l)" = 3 ]; do
        read -r token text <&5
        [ "$text" = +PONG ] || fail "'$token $text' came"
        heard="$heard$token
"
    done
    minimioctl close-loop --loop beats
    wait "$heart" || fail 'the heartbeat failed'
    kill -- "-$handler" 2>/dev/null || :
    wait "$handler" 2>/dev/null || :
    ! grep LOOP_BUSY "$folder/handler" "$folder/output" || fail 'one was in the way of the other'
}

checkout() {
    serve_redis
    start_daemon
    before=$(connections)
    seq 20 | timeout 120 xargs -n 1 -P 20 sh -c 'examples/recipes/redis_checkout.sh pool '"$address"' visits' \
        >"$folder/counts" 2>"$folder/output" || fail 'a script failed'
    [ "$(sort -n "$folder/counts")" = "$(seq 20)" ] || fail 'the scripts have not counted each'
    [ "$(($(connections) - before - 1))" = 2 ] || fail 'the pool has not 2 connections'
    redis-cli -p "$port" set word text >/dev/null
    ! examples/recipes/redis_checkout.sh pool "$address" word >"$folder/output" 2>&1 || fail 'it succeeded at an error'
    grep -q 'not an integer' "$folder/output" || fail 'it did not tell the error'
    [ "$(examples/recipes/redis_checkout.sh pool "$address" visits)" = 21 ] || fail 'it failed after an error'
}

"$1"
