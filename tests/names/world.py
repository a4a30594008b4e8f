"""A machine for names: a network namespace with name servers and a port of our own, and mount namespaces in which
/etc/resolv.conf, /etc/hosts and /etc/nsswitch.conf are what a test says."""

import itertools
import json
import os
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

ADDRESSES = [f"10.1.1.{i}" for i in range(1, 9)] + [f"fd01::{i}" for i in range(1, 9)]
PATIENCE_S = 60.0  # for what is to happen by itself
SYSTEM_FILES = {"resolv": "/etc/resolv.conf", "hosts": "/etc/hosts", "nsswitch": "/etc/nsswitch.conf"}
FOLDER = "/mnt"  # in which users of all kinds find what is theirs; it goes with the namespace
OWN_FOLDER = f"mount -t tmpfs none {FOLDER}"
A, AAAA = 1, 28
NXDOMAIN, SERVFAIL, REFUSED = 3, 2, 5


class Wrong(Exception):
    pass


def require(condition, *what):
    if not condition:
        raise Wrong(" ".join(str(word) for word in what))


def enter():
    """Runs this program again in namespaces of its own; returns in there. Ends it where none can be made."""
    if os.environ.get("MINIMIO_NAMES_INSIDE"):
        lines = (f"addr add {address} dev lo {'nodad' if ':' in address else ''}\n" for address in ADDRESSES)
        subprocess.run(["ip", "-batch", "-"], input="".join(lines), text=True, check=True)
        return
    for program in ("unshare", "ip", "getent"):
        if not shutil.which(program):
            skip("the program " + program)
    inside = subprocess.run(
        ["unshare", "-mn", "sh", "-c", f"ip link set lo up && ip addr add fd01::1 dev lo nodad && {OWN_FOLDER}"],
        capture_output=True,
    )
    if inside.returncode:
        skip("root, and IPv6")
    if not all(os.path.exists(path) for path in SYSTEM_FILES.values()):
        skip(", ".join(SYSTEM_FILES.values()))
    os.environ["MINIMIO_NAMES_INSIDE"] = "yes"
    words = ["sh", "-c", f'ip link set lo up && {OWN_FOLDER} && exec "$@"', "sh", sys.executable, *sys.argv]
    os.execvp("unshare", ["unshare", "-mn", *words])


def skip(what):
    print("skipped: needs", what)
    sys.exit(77)


# ---- Name servers --------------------------------------------------------------------------------------------------


class NameServers:
    """Answers on any number of addresses. A zone is a dict: (name, A or AAAA) to a list of addresses, "drop", "hold"
    (until it is released), or a number, the answer's error; a name "*.x" is for all below x that are not in it; what is not in it does not exist."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.lock = threading.Lock()
        self.held, self.released = [], {}  # questions that wait, and the zone that answers them
        threading.Thread(target=self.run, daemon=True).start()

    def serve(self, address, zone, delay_s=0.0):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        server = socket.socket(family, socket.SOCK_DGRAM)
        server.bind(socket.getaddrinfo(address, 53, family, socket.SOCK_DGRAM)[0][4])
        self.selector.register(server, selectors.EVENT_READ, (zone, delay_s))

    def run(self):
        while True:
            for key, _ in self.selector.select(0.05):
                self.answer(key.fileobj, *key.data)

    def answer(self, server, zone, delay_s):
        query, client = server.recvfrom(2048)
        end, labels = 12, []
        while query[end]:
            labels.append(query[end + 1 : end + 1 + query[end]].decode("latin-1").lower())
            end += 1 + query[end]
        kind = struct.unpack(">H", query[end + 1 : end + 3])[0]
        name = ".".join(labels)
        found = look(zone, name, kind)
        if found == "drop":
            return
        with self.lock:
            if found == "hold" and (name, kind) not in self.released:
                self.held.append((server, query, client, name, end, kind))
                return
        found = self.released[name, kind] if found == "hold" else found
        reply = message(query, query[12 : end + 5], kind, found)
        if delay_s:
            threading.Timer(delay_s, server.sendto, (reply, client)).start()
        else:
            server.sendto(reply, client)


    def release(self, zone):
        """Answers by this zone what is held, and what would be."""
        with self.lock:
            self.released = zone
            held, self.held = self.held, []
        for server, query, client, name, end, kind in held:
            server.sendto(message(query, query[12 : end + 5], kind, zone[name, kind]), client)


def look(zone, name, kind):
    if any(known == name for known, _ in zone):
        return zone.get((name, kind), [])
    rest = name
    while "." in rest:
        rest = rest.split(".", 1)[1]
        if any(known == "*." + rest for known, _ in zone):
            return zone.get(("*." + rest, kind), [])
    return zone.get(("*", kind), NXDOMAIN)


def message(query, question, kind, found):
    records = b""
    error = found if isinstance(found, int) else 0
    addresses = [] if isinstance(found, int) else found
    for address in addresses:
        family = socket.AF_INET if kind == A else socket.AF_INET6
        packed = socket.inet_pton(family, address)
        records += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, len(packed)) + packed
    return query[:2] + struct.pack(">HHHHH", 0x8180 | error, 1, len(addresses), 0, 0) + question + records


# ---- A port --------------------------------------------------------------------------------------------------------


class Port:
    """Accepts on every address, and knows which ones were connected to."""

    def __init__(self):
        self.socket = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=256)
        self.number = self.socket.getsockname()[1]
        self.accepted = []
        self.kept = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            connection, _ = self.socket.accept()
            self.kept.append(connection)
            self.accepted.append(connection.getsockname()[0].removeprefix("::ffff:"))


# ---- Machines ------------------------------------------------------------------------------------------------------


class Machine:
    """A mount namespace with system files of its own, and programs that run in it."""

    def __init__(self, build, resolv, hosts="127.0.0.1 localhost\n", nsswitch="hosts: files dns\n"):
        self.build = os.path.realpath(build)
        self.folder = tempfile.mkdtemp(dir=FOLDER)
        self.socket = os.path.join(self.folder, "socket")
        self.configuration = os.path.join(self.folder, "minimiod.conf")
        self.configure("")
        for name, text in (("resolv", resolv), ("hosts", hosts), ("nsswitch", nsswitch)):
            self.write(name, text)
        self.write("fstab", "".join(f"{self.folder}/{name} {os.path.realpath(path)} none bind\n"
                                    for name, path in SYSTEM_FILES.items()))  # fmt: skip
        self.daemon = None
        self.log = os.path.join(self.folder, "log")

    def belong_to(self, user):
        """Its daemon is this user's, who can run it."""
        os.chown(self.folder, user, user)
        shutil.copy(os.path.join(self.build, "minimiod"), self.folder)
        self.build = self.folder

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="ascii") as file:
            file.write(text)

    def configure(self, text):
        with open(self.configuration, "w", encoding="ascii") as file:
            file.write(text)

    def command(self, *words):
        """In the namespace of the daemon while the daemon runs."""
        if self.daemon and self.daemon.poll() is None:
            return ["nsenter", f"--mount=/proc/{self.daemon.pid}/ns/mnt", *words]
        mounts = f"mount --all --fstab {self.folder}/fstab"
        return ["unshare", "-m", "sh", "-c", mounts + ' && exec "$@"', "sh", *words]

    def run(self, *words, **more):
        return subprocess.run(
            self.command(*words), capture_output=True, text=True, stdin=subprocess.DEVNULL, **more
        )

    def ahosts(self, name):
        """The addresses that the system finds, in its order."""
        lines = self.run("getent", "ahosts", name).stdout.splitlines()
        found = [line.split()[0].removeprefix("::ffff:") for line in lines if "STREAM" in line]
        return list(dict.fromkeys(found))

    def start(self, *options, environment=None, wrapper=()):
        with open(self.log, "w", encoding="ascii") as log:
            self.daemon = subprocess.Popen(
                self.command(
                    *wrapper, os.path.join(self.build, "minimiod"), "--socket", self.socket, "--socket-mode", "0666",
                    "--config", self.configuration, *options,
                ),
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(environment or {})},
            )  # fmt: skip
        os.chmod(self.folder, 0o755)
        await_true(lambda: "listening on " in self.log_text(), "the daemon does not start: ", self.log_text)
        return self

    def log_text(self):
        with open(self.log, encoding="ascii", errors="replace") as log:
            return log.read()

    def reload(self, text):
        before = self.log_text().count(" in force")
        self.configure(text)
        self.daemon.send_signal(signal.SIGHUP)
        await_true(lambda: self.log_text().count(" in force") > before, "not reloaded: ", self.log_text)

    def helper(self):
        """The process that looks up names."""
        found = [pid for pid in children(self.daemon.pid) if command_of(pid) == "minimiod-names"]
        require(len(found) <= 1, "processes that look up names:", found)
        return found[0] if found else None

    def lookups(self):
        helper = self.helper()
        return [pid for pid in children(helper) if state_of(pid) != "Z"] if helper else []

    def stop(self):
        """Its exit code, and the seconds that it took."""
        began = time.monotonic()
        self.daemon.send_signal(signal.SIGTERM)
        code = self.daemon.wait(PATIENCE_S)
        return code, time.monotonic() - began

    def close(self):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.kill()
            self.daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def state_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="ascii") as file:
            return file.read().split("\0")[0]
    except OSError:
        return ""


def await_true(condition, *what):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise Wrong("".join(str(word() if callable(word) else word) for word in what))
        time.sleep(0.005)


# ---- Sessions ------------------------------------------------------------------------------------------------------


class Session:
    """A client; as another user if `uid` is not 0."""

    def __init__(self, machine, uid=0):
        self.ids = itertools.count(1)
        self.socket = socket.socket(socket.AF_UNIX)
        if uid:
            os.setresuid(uid, uid, 0)
        try:
            self.socket.connect(machine.socket)
        finally:
            if uid:
                os.setresuid(0, 0, 0)
        self.socket.settimeout(PATIENCE_S)
        self.lines = self.socket.makefile("rb")
        self.replies = {}

    def ask(self, method, **params):
        """The id of a request whose reply is awaited later."""
        number = next(self.ids)
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        return number

    def reply(self, number):
        while number not in self.replies:
            line = self.lines.readline()
            require(line, "the session has ended")
            read = json.loads(line)
            if "id" in read:
                self.replies[read["id"]] = read
        return self.replies.pop(number)

    def call(self, method, **params):
        return self.reply(self.ask(method, **params))

    def close(self):
        self.lines.close()
        self.socket.close()


def fault_of(reply):
    return reply["error"]["data"]["name"] if "error" in reply else None


def host_of(reply):
    """The address that was connected to."""
    return reply["result"]["peer"].rsplit(":", 1)[0].strip("[]") if "result" in reply else None
