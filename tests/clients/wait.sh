#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `minimioctl wait` for what is no HOST:PORT: Unix sockets and URLs; and --stable, --closed.
# usage: MINIMIO_BUILD=BUILD tests/clients/wait.sh
set -eu
cd "$(dirname "$0")/../.."
. tests/clients/setup.sh
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy CURL_CA_BUNDLE SSL_CERT_FILE

# run STATUS ARGUMENT...: standard error is then in $folder/output
run() {
    local expected=$1 status=0
    shift
    command="wait $*"
    timeout 60 minimioctl wait "$@" >"$folder/out" 2>"$folder/output" </dev/null || status=$?
    [ "$status" = "$expected" ] || fail "minimioctl $command ended with $status, not $expected"
}

says() { # says TEXT...
    for text in "$@"; do
        grep -qF -- "$text" "$folder/output" || fail "minimioctl $command does not say: $text"
    done
}

certified=no
if command -v openssl >/dev/null && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null; then
    certified=yes
fi
tests/clients/wait_servers.py "$folder" &
pids="$pids $!"
for ((tries = 0; tries < 600; tries++)); do
    [ ! -e "$folder/servers" ] || break
    kill -0 "$!" 2>/dev/null || fail 'the servers did not start'
    timeout 0.1 tail --pid="$!" -f /dev/null || :
done
http='' https='' silent='' closing='' holding='' socket=''
# shellcheck disable=SC1091 # the servers have made it
. "$folder/servers"

# ---- Wrong usage

for case in "http:// missing host" "http:///x missing host" "https://:443 missing host" "unix: missing path" \
    "unix://x use unix:/PATH" "ftp://x:1 unknown scheme" "tcp://x missing port" "tcp:// missing port" \
    "unix:/$(printf '%0107d' 0) at most 107 bytes fit"; do
    run 2 "${case%% *}"
    says "invalid address '${case%% *}': " "${case#* }"
done
run 2 --stable '' x:1
says "invalid --stable ''"
run 2 --stable -1 x:1
run 2
says 'missing addresses: HOST:PORT, unix:/PATH or a URL'
minimioctl wait --help | grep -q -- '--stable D ' || fail 'the help has no --stable'

# ---- tcp:// and Unix sockets

run 0 "tcp://$holding" --timeout 20s
says "tcp://$holding is up after"
run 0 "unix:$socket" "unix://$socket" --json --timeout 20s
grep -qF "\"address\":\"unix:$socket\",\"reached\":true" "$folder/out" || fail 'no record'
run 0 "unix:$socket" --readable --timeout 20s
says 'has greeted after'
(cd "$folder" && run 0 unix:greets.sock --timeout 20s)
touch "$folder/file"
run 124 "unix:$folder/none.sock" "unix:$folder/file" "unix:$socket" --timeout 300ms
says 'none.sock: there is no such socket' 'file: Connection refused'
run 0 --closed "unix:$folder/none.sock" "unix:$folder/file" --timeout 20s
run 124 --closed "unix:$socket" --timeout 300ms
says 'it is up still'
# One that comes late, and is not there when wait begins: bash waits for wait to say so, which may be cut to the width of
# the terminal.
mkfifo "$folder/words"
TERM=xterm script -qec "minimioctl wait unix:$folder/late.sock" /dev/null >"$folder/words" </dev/null &
late=$!
pids="$pids $late"
exec 8<"$folder/words"
while read -r line <&8; do case $line in *late.sock*) break ;; esac; done
python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); s.accept()' "$folder/late.sock" &
pids="$pids $!"
wait "$late" || fail 'a Unix socket that comes late is not found'
exec 8<&-

# ---- --stable

run 0 "$closing" --timeout 20s # it accepts
run 124 --stable 10s "$closing" --timeout 2s
says 'it accepts, and closes before --stable is over'
run 0 --stable 200ms "$holding" "unix:$socket" --timeout 30s
run 124 --stable 60s "$holding" --timeout 300ms
run 0 --closed --stable 300ms 127.0.0.1:1 --timeout 30s
run 0 --readable --stable 100ms "unix:$socket" --timeout 30s

# ---- --closed is about the target, and not about this machine

if unshare -rn true 2>/dev/null; then
    cat >"$folder/ports" <<'END'
ip link set lo up
echo '40000 40003' >/proc/sys/net/ipv4/ip_local_port_range
python3 -c 'import socket, sys, subprocess
server = socket.create_server(("127.0.0.1", 80), backlog=64)
full = [socket.create_connection(("127.0.0.1", 80)) for _ in range(4)]
sys.exit(subprocess.call(["minimioctl", "wait", "--closed", "--timeout", "1s", "127.0.0.1:80"]))'
END
    status=0
    unshare -rn sh "$folder/ports" >"$folder/out" 2>"$folder/output" || status=$?
    [ "$status" = 124 ] || fail "wait --closed without a port left ended with $status"
    command='wait --closed'
    says 'this machine has no port or address left to connect from'
else
    echo 'skipped: needs network namespaces'
fi

# ---- URLs

# Files that are no libraries are found first.
mkdir "$folder/missing"
echo nothing | tee "$folder/missing/libcurl.so.4" >"$folder/missing/libcurl-gnutls.so.4"
LD_LIBRARY_PATH=$folder/missing run 1 "http://$http/"
says 'http:// and https:// need libcurl; install libcurl4 (Debian'
LD_LIBRARY_PATH=$folder/missing run 0 "$holding" --timeout 20s
if ! minimioctl wait "http://$http/" --timeout 20s 2>"$folder/output"; then
    grep -q 'need libcurl' "$folder/output" || fail 'no answer'
    skip 'the library libcurl (libcurl4)'
fi

run 0 "http://$http" "http://$http/204" "http://$http/endless" "HTTP://$http/200?a=b" --timeout 30s
run 0 "http://$http/302" --timeout 20s
! grep -q /404 "$folder/asked" || fail 'a redirection is followed'
run 124 "http://$http/404" "http://$http/500" "http://$silent/" http://127.0.0.1:1/ http://nowhere.invalid/ --timeout 3s
says '/404: it answers 404' '/500: it answers 500' "$silent/: no answer" 'http://127.0.0.1:1/: Connection refused'
run 124 --any "http://$silent/" --timeout 200ms
run 0 --any "http://$silent/" "http://$http/" --timeout 20s -- true
run 2 "http://$http/ x"
says 'it is not a URL'
run 2 --readable "http://$http/"
says '--readable is not for http:// and https://'
run 0 --closed http://127.0.0.1:1/ --timeout 20s
run 124 --closed "http://$http/503" --timeout 2s
says 'it is up still'
run 0 --stable 500ms --interval 50ms "http://$http/201" --timeout 30s
[ "$(grep -c /201 "$folder/asked")" -gt 1 ] || fail '--stable asks once'
minimioctl wait --interval 10ms "http://$http/soon" 2>"$folder/output" &
soon=$!
pids="$pids $soon"
until grep -q /soon "$folder/asked"; do kill -0 "$soon" || fail 'wait has ended'; done
touch "$folder/good"
wait "$soon" || fail 'a server that answers 200 late is not found'
[ "$certified" = yes ] || skip 'the program openssl'
run 124 "https://localhost:${https#*:}/" --timeout 3s
says 'https://localhost'
! grep -q 'no answer' "$folder/output" || fail 'the reason is not told'
CURL_CA_BUNDLE=$folder/cert.pem run 0 "https://localhost:${https#*:}/" --timeout 20s
SSL_CERT_FILE=$folder/cert.pem run 0 "https://localhost:${https#*:}/" --timeout 20s
CURL_CA_BUNDLE=$folder/cert.pem run 124 "https://$https/" --timeout 3s # the certificate is localhost's
