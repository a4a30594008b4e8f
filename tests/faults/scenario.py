"""What clients do with a daemon in which something may fail: every method, and every way of connecting and ending.

The promise that is held is that of a fault: a request is answered, with a result or a named error, or its session ends;
what was registered is told; and nothing waits longer than the fault lasts. Without one, every answer is the right one.
"""

import array
import json
import os
import select
import signal
import socket
import time

ANSWER_S = 12.0  # what is not there by then, never comes
PATIENCE_S = 0.4  # how long a fault that does not end by itself may keep a client waiting before it is lifted

NAMES = {
    "PARSE_ERROR", "INVALID_REQUEST", "METHOD_NOT_FOUND", "INVALID_PARAMS", "INTERNAL", "LOOP_CLOSED", "LOOP_OPEN",
    "LOOP_BUSY", "WRONG_DELIVERY", "TOKEN_EXISTS", "TOKEN_UNKNOWN", "NOT_CONNECTED", "RESOLVE_FAILED",
    "CONNECT_FAILED", "TIMED_OUT", "CANCELLED", "DENIED", "LIMIT_EXCEEDED", "IO_FAILED", "FD_MISSING", "FD_UNSUITABLE",
    "POLL_PENDING",
}  # fmt: skip


class Ended(Exception):
    """The daemon closed the session."""


class Wrong(Exception):
    """A promise was broken."""


class Fault:
    """What is injected at the moment, and what came of it."""

    def __init__(self, lift=None):
        self.lift = lift
        self.told = set()
        self.strict = False  # nothing is injected: every answer must be the right one

    def waited(self):
        """A client has waited for long."""
        if self.lift:
            self.told.add("waits")
            self.over()

    def over(self):
        lift, self.lift = self.lift, None
        if lift:
            lift()


class Session:
    def __init__(self, fault, path):
        self.fault = fault
        self.last_id = 0
        self.messages, self.events, self.descriptors = [], {}, []
        self.bytes = b""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.socket.connect(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()
        for fd in self.descriptors:
            os.close(fd)
        self.descriptors = []

    def write(self, text, fds=()):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            sent = self.socket.sendmsg([text], rights)
            self.socket.sendall(text[sent:])
        except OSError:
            pass  # what was said before it ended is still to be read

    def ask(self, method, fds=(), **params):
        self.last_id += 1
        request = {"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params}
        self.write(json.dumps(request).encode() + b"\n", fds)
        return self.last_id

    def _await_input(self):
        deadline = time.monotonic() + ANSWER_S
        while not select.select([self.socket], [], [], PATIENCE_S if self.fault.lift else 1)[0]:
            self.fault.waited()
            if time.monotonic() > deadline:
                raise Wrong("neither an answer nor an end")

    def _read(self):
        self._await_input()
        try:
            data, ancillary, _, _ = self.socket.recvmsg(1 << 16, 1024)
        except ConnectionError:
            data, ancillary = b"", []
        for _, _, rights in ancillary:
            self.descriptors += array.array("i", rights)
        if not data:
            if self.bytes and self.fault.strict:
                raise Wrong("a session ended within a line")
            raise Ended
        *lines, self.bytes = (self.bytes + data).split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def _take(self, message):
        if not isinstance(message, dict) or message.get("method") != "ready":
            self.messages.append(message)
            return
        for event in message["params"]["events"]:
            self.note(event)

    def note(self, event):
        self.events.setdefault(event["token"], []).append(event)

    def next(self, wanted):
        """The first message that is wanted, as soon as it is there."""
        while True:
            for message in self.messages:
                if wanted(message):
                    self.messages.remove(message)
                    return message
            self._read()

    def reply(self, number, expected=()):
        message = self.next(lambda m: isinstance(m, dict) and m.get("id") == number)
        if "error" in message:
            self.name(message["error"], expected)
        return message

    def name(self, error, expected=()):
        name = error["data"]["name"]
        if name not in NAMES:
            raise Wrong(f"an error named {name}")
        if name not in expected:
            self.fault.told.add(name)

    def good(self, method, fds=(), **params):
        """The result; None: an error that has a name."""
        message = self.reply(self.ask(method, fds, **params))
        if self.fault.strict and "result" not in message:
            raise Wrong(f"{method} {params}: {message}")
        return message.get("result")

    def bad(self, names, method, fds=(), **params):
        """It is refused, and if nothing is injected by one of these names."""
        error = self.reply(self.ask(method, fds, **params), names.split()).get("error")
        if not error:
            raise Wrong(f"{method} {params} succeeded")
        if self.fault.strict and error["data"]["name"] not in names.split():
            raise Wrong(f"{method} {params}: {error}")

    def event(self, token, flag):
        """What was registered is told, whatever failed meanwhile."""
        while not any(event.get(flag) for event in self.events.get(token, [])):
            self._read()
        self.events.pop(token)

    def has_ended(self, wait_s):
        try:
            while select.select([self.socket], [], [], wait_s)[0]:
                self._read()
        except Ended:
            return True
        return False

    def end(self):
        while True:
            try:
                self._read()
            except Ended:
                return


class World:
    """The daemon, as far as its clients know it, and what is around it."""

    def __init__(self, fault, path, pid, neighbours, rewrite):
        self.fault, self.path, self.pid, self.neighbours, self.rewrite = fault, path, pid, neighbours, rewrite

    @property
    def timeout_ms(self):
        """For what may have no answer where something fails."""
        return 5000 if self.fault.strict else 600

    def session(self):
        return Session(self.fault, self.path)


# ---- The parts ----------------------------------------------------------------------------------------------------


def small_talk(world):
    with world.session() as s:
        for method in ("hello", "ping", "stats", "loops", "list", "rpc.discover"):
            s.good(method)
        s.bad("METHOD_NOT_FOUND", "no.such")
        s.bad("INVALID_PARAMS", "ping", extra=["\u00e9\\n"])
        s.write(b'{"jsonrpc":"2.0","id":"odd","method":"ping","x":{"y":[1,{"z":"w"}]}}')
        s.reply("odd")


def by_address(world):
    with world.session() as s:
        if not s.good("register", token=1, address=world.neighbours.address, mode="edge", timeout_ms=world.timeout_ms):
            return
        s.event(1, "readable")
        s.good("read", token=1, peek=True)
        s.good("read", token=1)
        s.good("list")
        result = s.good("write", token=1, data="echo")
        if result and result["bytes"]:
            s.event(1, "readable")
        s.good("read", token=1, encoding="base64")
        if s.good("reregister", token=1, interests=["readable", "writable"], mode="oneshot"):
            s.event(1, "writable")
        if s.good("shutdown", token=1, how="write") and s.good("reregister", token=1):
            s.event(1, "read_closed")
        s.bad("TOKEN_EXISTS", "register", token=1, address=world.neighbours.address)
        s.good("deregister", token=1)
        s.bad("TOKEN_UNKNOWN", "deregister", token=1)


def by_name(world):
    with world.session() as s:
        address = "two.test:%d" % world.neighbours.port
        if s.good("register", token=2**53 - 1, address=address, timeout_ms=world.timeout_ms):
            s.event(2**53 - 1, "readable")


def in_vain(world):
    with world.session() as s:
        s.bad("CONNECT_FAILED", "register", token=1, address=world.neighbours.refusing, timeout_ms=world.timeout_ms)
        s.bad("RESOLVE_FAILED", "register", token=1, address="none.test:1", timeout_ms=world.timeout_ms)
        s.bad("TIMED_OUT RESOLVE_FAILED", "register", token=1, address="late.test:1", timeout_ms=20)
        s.bad("DENIED", "register", token=1, address="127.0.0.1:9")
        waiting = s.ask("register", token=2, address="late.test:1", timeout_ms=world.timeout_ms)
        if s.good("deregister", token=2):
            s.reply(waiting, ("CANCELLED",))


def adopting(world):
    ours, theirs = socket.socketpair()
    reader, writer = os.pipe()
    regular = os.open("/proc/self/cmdline", os.O_RDONLY | os.O_CLOEXEC)
    ours.setblocking(False)
    try:
        with world.session() as s:
            ours.send(b"\xff\x00")
            os.write(writer, b"x")
            if s.good("register", (theirs.fileno(),), token=1, fd=True):
                s.event(1, "readable")
                s.good("read", token=1)
                if s.good("take", token=1, keep=True):
                    os.fstat(s.descriptors[0])
                    ours.send(b"y")
                    if s.good("reregister", token=1, interests=["readable"]):
                        s.event(1, "readable")
                if s.good("take", token=1):
                    os.fstat(s.descriptors[-1])
            if s.good("register", (reader,), token=2, fd=True):
                s.event(2, "readable")
            s.bad("FD_UNSUITABLE", "register", (regular,), token=3, fd=True)
            s.bad("FD_MISSING", "register", token=3, fd=True)
            s.write(b" ", (regular, reader))
    finally:
        ours.close()
        theirs.close()
        for fd in (reader, writer, regular):
            os.close(fd)


def batch(world):
    with world.session() as s:
        calls = [("ping", {}), ("stats", {}), ("register", {"token": 1, "address": world.neighbours.address}),
                 ("list", {"limit": 5}), ("no.such", {})]  # fmt: skip
        requests = [{"jsonrpc": "2.0", "id": i, "method": m, "params": p} for i, (m, p) in enumerate(calls)]
        s.write(json.dumps(requests, indent=1).encode())
        answers = s.next(lambda m: isinstance(m, list) or m.get("id", 0) is None)
        if isinstance(answers, dict):
            s.name(answers["error"])
            answers = []
        for answer in answers:
            if "error" in answer:
                s.name(answer["error"], ("METHOD_NOT_FOUND",))
        if len(answers) > 2 and "result" in answers[2]:
            s.event(1, "readable")
        elif world.fault.strict:
            raise Wrong(f"a batch: {answers}")


def polled(s):
    """The events of one poll; None: it failed, by name."""
    result = s.good("poll", timeout_ms=3000)
    for event in result["events"] if result else []:
        s.note(event)
    return result


def await_polled(s, token):
    deadline = time.monotonic() + ANSWER_S
    while not any(event.get("readable") for event in s.events.get(token, [])):
        if time.monotonic() > deadline:
            raise Wrong("an event is lost")
        if not polled(s):
            s.fault.waited()
    s.events.pop(token)


def new_loop(s):
    """Where a fault has ended a session, the loop of that name may be there yet."""
    result = s.good("open_loop", name="kept", delivery="poll", linger_ms=60000, takeover=True)
    if result and not result["created"]:
        s.good("close_loop")
        result = s.good("open_loop", name="kept", delivery="poll", linger_ms=60000)
    return result


def named(world):
    with world.session() as s:
        if not new_loop(s):
            return
        one, two = (
            s.good("register", token=n, address=world.neighbours.address, mode=mode, timeout_ms=world.timeout_ms)
            for n, mode in ((1, "level"), (2, "oneshot"))
        )
        if one:
            await_polled(s, 1)
        if two:
            await_polled(s, 2)
        s.good("loops")
        s.good("poll", timeout_ms=1)
    rejoin(world, one, two)


def rejoin(world, one, two):
    """The session that was in the loop is gone, and what it was told is told again."""
    with world.session() as s:
        result = s.good("open_loop", name="kept", takeover=True)
        if not result:
            return
        if (one or two) and result["registrations"] != bool(one) + bool(two):
            raise Wrong(f"streams of a named loop are lost: {result}")
        if one:
            await_polled(s, 1)
        if two:
            await_polled(s, 2)
        with world.session() as t:
            result = t.good("open_loop", name="kept", delivery="push", takeover=True)
            if result:
                s.next(lambda m: m.get("method") == "loop_detached")
                for token, there in ((1, one), (2, two)):
                    if there:
                        t.event(token, "readable")
            t.good("close_loop")
            t.bad("LOOP_CLOSED", "list")


def malformed(world):
    for text in (b'{"a":1,"a":2}\n', b"7\n", b"[]\n", b'{"jsonrpc":"2.0","id":1}\n', b"[" * 100 + b"\n", b'"\xff"\n'):
        with world.session() as s:
            s.write(text)
            s.name(s.next(lambda m: "error" in m)["error"], ("PARSE_ERROR", "INVALID_REQUEST"))
    with world.session() as s:
        s.write(b"GET / HTTP/1.1\r\n\r\n")
        s.end()


def half_closed(world):
    with world.session() as s:
        s.ask("hello")
        s.write(b'{"jsonrpc":"2.0","id":5,"method":"ping"')
        s.socket.shutdown(socket.SHUT_WR)
        s.end()


def unread(world):
    """More is asked for than fits into the socket and the daemon's own store of answers."""
    with world.session() as s:
        numbers = [s.ask("rpc.discover") for _ in range(40)]
        for number in numbers:
            s.reply(number)


def reload(world):
    world.rewrite()
    os.kill(world.pid, signal.SIGHUP)
    with world.session() as s:
        s.good("ping")
        s.good("ping")


PARTS = [small_talk, by_address, by_name, in_vain, adopting, batch, named, malformed, half_closed, unread, reload]


def run(world, parts):
    for part in parts:
        try:
            part(world)
        except Ended:
            world.fault.told.add("session ends")
            if world.fault.strict:
                raise Wrong(f"{part.__name__}: the session ended") from None
        except Wrong as wrong:
            raise Wrong(f"{part.__name__}: {wrong}") from None
