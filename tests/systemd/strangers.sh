#!/bin/sh
# SPDX-License-Identifier: MIT
# A user who may hand over descriptors, under the manager: it cannot speak to the manager or the journal as the daemon,
# and a close() that never returns holds up neither the daemon's restart nor anybody else.
set -eu
. tests/systemd/box.sh

# attack UID PATH TEXT    what a user runs: it hands over a socket of its own, and has the daemon write to it
attack() {
    box python3 - "$@" <<'END'
import array, json, os, socket, sys

uid, path, text = sys.argv[1:]
os.setgroups([int(os.popen("getent group minimio").read().split(":")[2])])
os.setgid(int(uid))
os.setuid(int(uid))
daemon = socket.socket(socket.AF_UNIX)
daemon.settimeout(10)
daemon.connect("/run/minimio/minimio.sock")
lines = daemon.makefile()
other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
other.connect(path)


def call(method, fds=(), **params):
    request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    daemon.sendmsg([request], beside)
    while True:
        reply = json.loads(lines.readline())
        if "id" in reply:
            return reply


try:
    reply = call("register", [other.fileno()], token=1, fd=True, interests=[])
except PermissionError:  # the kernel passes no descriptor of a user who may not hand over any
    reply = call("register", token=1, fd=True, interests=[])
if "result" in reply:
    reply = call("write", token=1, data=text + "\n")  # the journal ignores a field without an end
print(reply.get("error", {}).get("data", {}).get("rule", reply))
END
}

# What any user can do: the peer of a stream that the manager keeps resets the connection.
reset() {
    box python3 - <<'END'
import json, os, socket, struct

os.setgroups([int(os.popen("getent group minimio").read().split(":")[2])])
os.setgid(4712)
os.setuid(4712)
daemon = socket.socket(socket.AF_UNIX)
daemon.settimeout(10)
daemon.connect("/run/minimio/minimio.sock")
lines = daemon.makefile()


def call(method, **params):
    daemon.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode())
    while "id" not in (reply := json.loads(lines.readline())):
        pass
    return reply["result"]


call("open_loop", name="reset")
listener = socket.create_server(("127.0.0.1", 0))
call("register", token=1, address="127.0.0.1:%d" % listener.getsockname()[1])
peer = listener.accept()[0]
while not call("loops")["loops"][0]["durable"]:
    pass
peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
peer.close()
while "ready" not in lines.readline():
    pass
END
}

# A pipe that a process has locked for good: it reads into a page that is never given to it.
stick() {
    box python3 - <<'END'
import array, ctypes, json, mmap, os, select, socket, struct, subprocess, sys, threading, time

libc = ctypes.CDLL(None, use_errno=True)
faults = libc.syscall({"x86_64": 323, "aarch64": 282}.get(os.uname().machine, -1), os.O_CLOEXEC | os.O_NONBLOCK)
libc.mmap.restype = ctypes.c_void_p
page = libc.mmap(None, ctypes.c_size_t(65536), 3, 0x22, -1, 0)
api = struct.pack("QQQ", 0xAA, 0, 0)
watch = struct.pack("QQQQ", page, 65536, 1, 0)
if faults < 0 or libc.ioctl(faults, 0xC018AA3F, api) < 0 or libc.ioctl(faults, 0xC020AA00, watch) < 0:
    print("userfaultfd cannot be had here")
    sys.exit()
reading, writing = os.pipe()
os.write(writing, b"x")
threading.Thread(target=lambda: libc.read(reading, ctypes.c_void_p(page), 1), daemon=True).start()
select.select([faults], [], [])
user = os.fork()
if user == 0:
    os.setgroups([int(os.popen("getent group minimio").read().split(":")[2])])
    os.setgid(4711)
    os.setuid(4711)
    daemon = socket.socket(socket.AF_UNIX)
    daemon.settimeout(10)
    daemon.connect("/run/minimio/minimio.sock")
    lines = daemon.makefile()
    for method, fds in (("register", [writing]), ("deregister", [])):
        params = {"token": 1, "fd": True, "interests": ["writable"]} if fds else {"token": 1}
        beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        daemon.sendmsg([json.dumps(request).encode()], beside)
        if fds:
            os.close(writing)
        while "id" not in (reply := json.loads(lines.readline())):
            pass
        assert "result" in reply, reply
    os._exit(0)
os.close(writing)
assert os.waitstatus_to_exitcode(os.waitpid(user, 0)[1]) == 0
pid = subprocess.run(["systemctl", "show", "--value", "-p", "MainPID", "minimiod"], capture_output=True, text=True)
stuck = False
while not stuck:  # until one of the service's processes waits and cannot be killed
    group = open("/proc/%d/cgroup" % int(pid.stdout)).read().strip().split("::")[1]
    for process in open("/sys/fs/cgroup%s/cgroup.procs" % group).read().split():
        try:
            stuck |= "\nState:\tD" in open("/proc/%s/status" % process).read()
        except FileNotFoundError:
            pass
took = []
for command in (["kill", "--kill-whom=main", "--signal=KILL"], ["restart"]):
    begun = time.monotonic()
    subprocess.run(["systemctl", *command, "minimiod"], check=True)
    subprocess.run(["minimioctl", "--timeout", "60s", "ping"], check=True, stdout=subprocess.DEVNULL)
    took.append(time.monotonic() - begun)
print("ok" if max(took) < 5 else "slow", *["%.3f s" % one for one in took], flush=True)
os._exit(0)
END
}

box_open
box systemd-sysusers
box mkdir -p /etc/minimio
printf '[access]\ndescriptors-users = 4711\n' | box tee /etc/minimio/minimiod.conf >/dev/null
box systemctl start minimiod.service
await_daemon
box minimioctl --timeout 10s call open_loop '{"name":"kept"}' >/dev/null
pid=$(property minimiod.service MainPID)
children=$(box sh -c "cat /proc/$pid/task/$pid/children" | wc -w)
equal 'descriptors are closed by a process of its own, and names looked up by another' 2 "$children"
for _ in $(seq 100); do
    stored=$(property minimiod.service NFileDescriptorStore)
    [ "$stored" = 0 ] || break
    box sleep 0.1
done
[ "$stored" != 0 ] || fail 'the manager keeps nothing'

# The one may hand over descriptors, the other may not.
for user in '4711 credentials' '4712 descriptors'; do
    uid=${user% *} rule=${user#* }
    equal 'the manager is not told to kill the daemon' "$rule" "$(attack "$uid" /run/systemd/notify WATCHDOG=trigger)"
    equal 'nor to forget what it keeps' "$rule" \
        "$(attack "$uid" /run/systemd/notify "$(printf 'FDSTOREREMOVE=1\nFDNAME=ledger')")"
    equal 'the journal is not written to' "$rule" \
        "$(attack "$uid" /run/systemd/journal/socket 'MESSAGE=forged')"
done
equal 'the daemon goes on' "$pid" "$(property minimiod.service MainPID)"
equal 'all is kept' "$stored" "$(property minimiod.service NFileDescriptorStore)"
box journalctl --sync
lines=$(box journalctl --no-pager --output=cat _SYSTEMD_UNIT=minimiod.service)
contains 'the journal has the lines of the daemon' 'listening on' "$lines"
equal 'and none is a forged one' '' "$(printf '%s\n' "$lines" | grep forged || :)"

reset || fail 'a stream that is reset is not told'
box systemctl kill --kill-whom=main --signal=KILL minimiod.service
await_daemon
equal 'the manager keeps a stream that the peer has reset' 1 \
    "$(box minimioctl --timeout 10s --json call loops | jq '.loops[] | select(.name == "reset").registrations')"

result=$(stick)
case $result in
ok*) pass "a close() that never returns holds up no restart: $result" ;;
userfaultfd*) echo "skipped: $result" ;;
*) fail "a close() that never returns: $result" ;;
esac
