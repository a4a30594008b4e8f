#!/bin/sh
# SPDX-License-Identifier: MIT
# SIGUSR2 under the manager: the same process is another binary, confined as it was, with the loops, and still the
# manager's; one that cannot start is tried and not taken.
set -eu
. tests/systemd/box.sh

binary=$BOX_PREFIX/bin/minimiod

hand_over() {
    box systemctl kill --kill-whom=main --signal=USR2 minimiod.service
}

# await_journal WHAT PART    a line of the daemon's, from the first on; the box's end ends it too
await_journal() {
    [ -p "$box_folder/journal" ] || mkfifo "$box_folder/journal"
    box journalctl --follow --no-tail --output=cat --unit=minimiod.service >"$box_folder/journal" &
    follower=$!
    grep -q -m1 -- "$2" <"$box_folder/journal" || fail "$1: the journal has no '$2'"
    kill "$follower"
    wait "$follower" || :
    pass "$1"
}

kept() {
    box minimioctl --timeout 10s --json call loops | jq -c '[.loops[] | [.name, .registrations]]'
}

box_open
box systemd-sysusers
box systemctl start minimiod.service
pid=$(property minimiod.service MainPID)

box python3 - <<'END' || fail 'a stream does not go on'
import json, socket, subprocess


def connect():
    daemon = socket.socket(socket.AF_UNIX)
    daemon.settimeout(10)
    daemon.connect("/run/minimio/minimio.sock")
    return daemon, daemon.makefile()


def call(method, **params):
    daemon.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode())
    reply = json.loads(lines.readline())
    assert "result" in reply, reply
    return reply["result"]


server = socket.create_server(("127.0.0.1", 0))
daemon, lines = connect()
call("open_loop", name="kept")
call("register", token=1, address="127.0.0.1:%d" % server.getsockname()[1])
peer = server.accept()[0]
subprocess.run(["systemctl", "kill", "--kill-whom=main", "--signal=USR2", "minimiod.service"], check=True)
assert json.loads(lines.readline())["params"] == {"loop": "kept", "reason": "shutdown"}
assert not lines.readline()
daemon, lines = connect()
assert not call("open_loop", name="kept")["created"]
peer.send(b"hello")
assert json.loads(lines.readline())["params"]["events"] == [{"token": 1, "readable": True}]
assert call("read", token=1)["data"] == "hello"
END
pass 'a stream goes on in the next binary'
equal 'which is the same process' "$pid 0" \
    "$(property minimiod.service MainPID) $(property minimiod.service NRestarts)"
equal 'and ready' active "$(property minimiod.service ActiveState)"

box cp "$binary" /run/whole
box sh -c "echo 'no program' >/run/broken; chmod 755 /run/broken; mv /run/broken $binary"
hand_over
await_journal 'a binary that cannot start is not taken' 'not handed over: Exec format error; this binary continues'
equal 'the loop is there' '[["kept",1]]' "$(kept)"

box sh -c "printf '#!/bin/sh\necho this one is broken >&2\nexit 1\n' >/run/broken; chmod 755 /run/broken; mv /run/broken $binary"
hand_over
await_journal 'what one says of itself is in the journal' 'this one is broken'
await_journal 'and what came of it' 'ended with 1; this binary continues'
equal 'the loop is there still' '[["kept",1]]' "$(kept)"

box mv /run/whole "$binary"
box kill -KILL "$pid"
await_daemon
equal 'what was handed over is what the manager keeps' '[["kept",1]]' "$(kept)"
