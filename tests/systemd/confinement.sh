#!/bin/sh
# SPDX-License-Identifier: MIT
# Confined as the unit says, the daemon does all that it is for.
set -eu
. tests/systemd/box.sh

box_open
box systemd-sysusers
box systemctl start minimiod.service
pid=$(property minimiod.service MainPID)
status=$(box cat "/proc/$pid/status")

value() {
    printf '%s\n' "$status" | sed -n "s/^$1:[[:space:]]*//p"
}

uid=$(value Uid | cut -f1)
if [ "$uid" -lt 61184 ] || [ "$uid" -gt 65519 ]; then
    fail "the user is no dynamic one: $uid"
fi
pass 'its user is a dynamic one'
equal 'no capabilities' '0000000000000000 0000000000000000' "$(value CapEff) $(value CapBnd)"
equal 'no new privileges' 1 "$(value NoNewPrivs)"
equal 'a filter for system calls' 2 "$(value Seccomp)"
inside() {
    box nsenter --target "$pid" --mount setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@" 2>/dev/null
}
inside touch /etc/x && fail 'it may write into /etc'
inside touch /run/minimio/x && fail 'it may write into /run'
inside ls /home/. /root/. && fail 'it may look into homes'
pass 'it can write nowhere'

box cp /bin/true /var/true
box /var/true || fail 'the copy does not run'
inside true || fail 'it may not run what is installed'
inside /var/true && fail 'it may run a file in /var'
pass 'it can run only what is installed'
equal 'no core, few tasks' '0 768' "$(property minimiod.service LimitCORE) $(property minimiod.service TasksMax)"
[ "$(property minimiod.service MemoryMax)" != infinity ] || fail 'its memory is not limited'
pass 'its memory is limited'

box sh -c 'echo "127.0.0.1 here.test" >>/etc/hosts'

# A server and a client: connecting by address and by name, events, and the stream handed over and back.
box python3 - <<'END' || fail 'a confined daemon does not do its work'
import array, json, socket

servers = [socket.create_server(("127.0.0.1", 0)), socket.create_server(("::1", 0), family=socket.AF_INET6)]
daemon = socket.socket(socket.AF_UNIX)
daemon.settimeout(10)
daemon.connect("/run/minimio/minimio.sock")
lines = daemon.makefile()


def call(method, _fds=(), **params):
    text = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    socket.send_fds(daemon, [text], list(_fds))
    reply = json.loads(lines.readline())
    assert "result" in reply, reply
    return reply["result"]


call("register", token=1, address="127.0.0.1:%d" % servers[0].getsockname()[1])
call("register", token=2, address="[::1]:%d" % servers[1].getsockname()[1])
call("register", token=3, address="localhost:%d" % servers[0].getsockname()[1])
call("register", token=5, address="here.test:%d" % servers[0].getsockname()[1])
mine, theirs = socket.socketpair()
call("register", _fds=[theirs.fileno()], token=4, fd=True)
for server in servers:
    server.accept()[0].send(b"hello")
mine.send(b"hello")
ready = set()
while ready < {1, 2, 4}:
    ready |= {event["token"] for event in json.loads(lines.readline())["params"]["events"]}
assert call("read", token=1)["data"] == "hello"
daemon.send(b'{"jsonrpc":"2.0","id":1,"method":"take","params":[4]}')
line, fds, _, _ = socket.recv_fds(daemon, 4096, 4)
assert len(fds) == 1, line
assert socket.socket(fileno=fds[0]).recv(10) == b"hello"
END
pass 'it does all that it is for'
contains 'nothing was forbidden that it asked for' '0' \
    "$(box journalctl --no-pager --output=cat --unit=minimiod.service | grep -c 'Operation not permitted' || :)"
