#!/bin/sh
# SPDX-License-Identifier: MIT
# A kept stream is deregistered while the manager does not run: the peer gets the end of the stream at once, and the
# manager, whose close() would wait for as long as the client has set up, never closes the last copy.
set -eu
. tests/systemd/box.sh

# Runs outside the box's process namespace, whose first process can be stopped from there only.
deregister() {
    nsenter --target "$box_pid" --net python3 - "$box_pid" <<'END'
import array, json, os, signal, socket, struct, subprocess, sys, time

MANAGER, USER, LINGER_S, HANG_S = int(sys.argv[1]), 4711, 3600, 60
os.chdir("/proc/%d/root/run/minimio" % MANAGER)
os.setegid(os.stat("minimio.sock").st_gid)


class Client:
    def __init__(self, uid):
        self.daemon = socket.socket(socket.AF_UNIX)
        self.daemon.settimeout(HANG_S)
        os.seteuid(uid)
        self.daemon.connect("minimio.sock")
        os.seteuid(0)

    def call(self, method, fds=(), **params):
        """Returns the result, and the descriptors that came with the line."""
        request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        socket.send_fds(self.daemon, [request], fds)
        line, taken = b"", []
        while True:
            while not line.endswith(b"\n"):
                more, fds, _, _ = socket.recv_fds(self.daemon, 1, 1)
                line, taken = line + more, taken + fds
            reply = json.loads(line)
            if "id" in reply:
                assert "result" in reply, reply
                return reply["result"], taken
            line = b""


def linger(stream):
    """From here on the last close() waits for the peer, which reads nothing."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, LINGER_S))
    try:
        while True:
            stream.send(bytes(65536), socket.MSG_DONTWAIT)
    except BlockingIOError:
        pass


def stored():
    """Raises TimeoutExpired if the manager does not answer."""
    command = "nsenter --target %d --mount --pid --cgroup --root --wd systemctl show --value" % MANAGER
    shown = subprocess.run([*command.split(), "--property", "NFileDescriptorStore", "minimiod.service"],
                           check=True, capture_output=True, timeout=HANG_S)
    return int(shown.stdout)


def await_stored(count):
    begun = time.monotonic()
    while stored() != count:
        assert time.monotonic() - begun < HANG_S, "the manager keeps %d, not %d" % (stored(), count)


def stop_manager():
    os.kill(MANAGER, signal.SIGSTOP)
    while open("/proc/%d/stat" % MANAGER).read().rsplit(")", 1)[1].split()[0] != "T":
        pass


listener = socket.create_server(("127.0.0.1", 0))
address = "127.0.0.1:%d" % listener.getsockname()[1]
user, other = Client(USER), Client(USER + 1)
user.call("open_loop", name="kept")
await_stored(1)  # the ledger

handed_over = socket.create_connection(listener.getsockname())
peers = [listener.accept()[0]]
linger(handed_over)
user.call("register", [handed_over.fileno()], token=0, fd=True, interests=[])
handed_over.close()
for token in (1, 2):
    user.call("register", token=token, address=address, interests=[])
    peers.append(listener.accept()[0])
taken = socket.socket(fileno=user.call("take", token=1, keep=True)[1][0])
linger(taken)
taken.close()
await_stored(4)

stop_manager()
try:
    for token in range(3):
        user.call("deregister", token=token)
    peers[2].settimeout(HANG_S)
    print("ended" if peers[2].recv(1) == b"" else "data", flush=True)
finally:
    os.kill(MANAGER, signal.SIGCONT)
await_stored(1)
other.call("ping")
print("answers")
END
}

box_open
box systemd-sysusers
box mkdir -p /etc/minimio
printf '[access]\ndescriptors-users = 4711\n' | box tee /etc/minimio/minimiod.conf >/dev/null
box systemctl start minimiod.service
await_daemon
pid=$(property minimiod.service MainPID)

said=$(deregister) || fail "the manager or the daemon hangs: $said"
contains 'a peer does not wait for a manager that does not run' ended "$said"
contains 'the manager answers while a stream lingers that it has kept' answers "$said"
equal 'the daemon goes on' "$pid" "$(property minimiod.service MainPID)"
