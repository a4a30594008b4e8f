#!/bin/sh
# Runs one of the clients to copy, against a daemon and real servers.
# usage: MINIMIO_BUILD=BUILD tests/clients/examples.sh c|py|asyncio|js|sh|pl
# shellcheck disable=SC2086 # a client and its targets are words on purpose
set -eu
cd "$(dirname "$0")/../.."
. tests/clients/setup.sh

which=$1
case $which in
c)
    # shellcheck disable=SC2086 # an option or nothing
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror ${SANITIZE:+-fsanitize=$SANITIZE} -o "$folder/client" \
        -Iclient/lib examples/clients/client.c "$build/libminimio-client.a"
    client=$folder/client
    ;;
py) require python3 && client='python3 examples/clients/client.py' ;;
asyncio) require python3 && client='python3 examples/clients/client_asyncio.py' ;;
js) require node && client='node examples/clients/client.js' ;;
sh) require jq && require nc && client='sh examples/clients/client.sh' ;;
pl) perl -MJSON::PP -e 1 2>/dev/null || skip "Perl's JSON::PP"
    client='perl examples/clients/client.pl' ;;
esac

for file in examples/clients/*; do
    [ "$(wc -l <"$file")" -lt 80 ] || fail "$file is longer than what one likes to copy"
done
start_daemon
start_servers 400 100 250

timeout 60 $client $targets >"$folder/output" 2>&1 || fail 'it failed'
# In which order they connect and read, a busy machine decides.
[ "$(sort "$folder/output")" = '1: hello after 400 ms
2: hello after 100 ms
3: hello after 250 ms' ] || fail 'it printed something else'
! timeout 60 $client 127.0.0.1:1 >"$folder/output" 2>&1 || fail 'it succeeded at a refusal'
grep -q 'ECONNREFUSED' "$folder/output" || fail 'it did not say what was wrong'
! MINIMIO_SOCKET=/nowhere/minimio.sock timeout 60 $client 127.0.0.1:1 >"$folder/output" 2>&1 || fail 'it succeeded without a daemon'

# A server that resets the connection ends it, as one does that closes it.
command -v python3 >/dev/null || { echo 'skipped: a server that resets needs python3'; exit 0; }
mkfifo "$folder/address"
python3 -c '
import signal, socket, struct
server = socket.create_server(("127.0.0.1", 0))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
print("127.0.0.1:%d" % server.getsockname()[1], flush=True)
stream, _ = server.accept()
stream.send(b"hello\n")
signal.sigwait([signal.SIGUSR1])
stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
stream.close()
' >"$folder/address" &
server=$!
pids="$pids $server"
read -r address <"$folder/address"
events() {
    "$build/minimioctl" stats --json | sed 's/.*"events":\([0-9]*\).*/\1/'
}
before=$(events)
timeout 60 $client "$address" >"$folder/output" 2>&1 &
running=$!
until [ "$(events)" -gt "$before" ]; do :; done # its client was told of the greeting, so it is connected
kill -USR1 "$server"
wait "$running" || fail 'it failed at a reset'
[ "$(cat "$folder/output")" = '1: hello' ] || fail 'it printed something else before a reset'
