#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the system calls (strace) and the instructions of the daemon and its libraries (callgrind) for each operation.
Each operation runs N times and 2 N times, in a new daemon each; the difference is the cost, without start and end. The
counts do not depend on the load of the machine. Loopback only; ends by itself. Prints the table of WHERE_TIME_GOES.md.

usage: bench/where.py BUILD"""
import array
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

BUILD = sys.argv[1] if len(sys.argv) > 1 else "build"
MANY = 256  # events at once: half of the daemon's limit per turn
IN_FLIGHT = 16
STEPS = 20


class Daemon:
    """A daemon under a counting tool; stop() returns the counts."""

    def __init__(self, tool):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "minimio.sock")
        self.output = os.path.join(self.folder.name, "counts")
        before = {
            "strace": ["strace", "-qq", "-c", "-U", "calls,name", "-o", self.output],
            "callgrind": ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={self.output}"],
        }[tool]
        self.tool = tool
        # The daemon would log the slow turns under these tools, and the tools would count the logging.
        self.process = subprocess.Popen(
            [*before, os.path.join(BUILD, "minimiod"), "--socket", self.path, "--log-level", "error"],
            stderr=subprocess.DEVNULL)
        while not self.listens():
            assert self.process.poll() is None
            time.sleep(0.01)

    def listens(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.path) == 0

    def stop(self, pid):
        os.kill(pid, signal.SIGTERM)
        assert self.process.wait() == 0
        with open(self.output) as output:
            text = output.read()
        self.folder.cleanup()
        if self.tool == "callgrind":
            return {"instructions": int(re.search(r"^(?:summary|totals): (\d+)", text, re.M)[1])}
        rows = (line.split() for line in text.splitlines())
        return {row[1]: int(row[0]) for row in rows if len(row) == 2 and row[0].isdigit() and row[1] != "total"}


class Session:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")
        self.daemon = struct.unpack("3i", self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        self.pairs = []

    def send(self, *requests, fds=()):
        text = "".join(f'{{"jsonrpc":"2.0","id":1,{request}}}\n' for request in requests).encode()
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        assert self.socket.sendmsg([text], rights) == len(text)

    def await_replies(self, count):
        for _ in range(count):
            line = self.lines.readline()
            assert b'"result":' in line, line

    def await_events(self, count):
        while count > 0:
            line = self.lines.readline()
            assert b'"method":"ready"' in line, line
            count -= line.count(b'{"token":')
        assert count == 0

    def freeze(self):
        os.kill(self.daemon, signal.SIGSTOP)
        while open(f"/proc/{self.daemon}/stat").read().rsplit(")", 1)[1].split()[0] not in "Tt":
            pass

    def thaw(self):
        os.kill(self.daemon, signal.SIGCONT)


def register(token, mode):
    return f'"method":"register","params":{{"token":{token},"fd":true,"mode":"{mode}"}}'


def about(method, token):
    return f'"method":"{method}","params":{{"token":{token}}}'


def pairs(count):
    listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
    made = []
    for _ in range(count):
        near = socket.create_connection(listener.getsockname())
        far = listener.accept()[0]
        far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.append((near, far))
    listener.close()
    return made


# ---- Operations: the setup, and a step --------------------------------------------------------------------------------


def with_nothing(session):
    pass


def with_streams(count, mode):
    def prepare(session):
        session.pairs = pairs(count)
        for first in range(0, count, IN_FLIGHT):
            some = range(first, min(first + IN_FLIGHT, count))
            session.send(*(register(token, mode) for token in some), fds=[session.pairs[i][0].fileno() for i in some])
            session.await_replies(len(some))

    return prepare


def with_guest(count):
    """An owner in a loop of `count` streams, and a session outside."""
    def prepare(session):
        session.send('"method":"open_loop","params":{"name":"where"}')
        session.await_replies(1)
        with_streams(count, "oneshot")(session)
        session.guest = Session(session.socket.getpeername())

    return prepare


def with_unregistered(session):
    session.pairs = pairs(IN_FLIGHT)


def with_listener(session):
    session.listener = socket.create_server(("127.0.0.1", 0), backlog=1000)


def requests(*texts):
    def step(session):
        session.send(*texts)
        session.await_replies(len(texts))

    return step


def guest_comes_and_goes(session):
    for params in '{"name":"where","role":"guest"}', "{}":
        session.guest.send(f'"method":"open_loop","params":{params}')
        session.guest.await_replies(1)


def fire(session):
    for _, far in session.pairs:
        far.send(b"x")


def drain(session):
    for near, _ in session.pairs:
        near.recv(16)


def event_alone(session):
    fire(session)
    session.await_events(1)
    drain(session)


def events_at_once(session):
    session.freeze()
    fire(session)
    session.thaw()
    session.await_events(len(session.pairs))
    drain(session)


def events_and_arming(session):
    events_at_once(session)
    for first in range(0, len(session.pairs), IN_FLIGHT):
        session.send(*(about("reregister", token) for token in range(first, first + IN_FLIGHT)))
        session.await_replies(IN_FLIGHT)


def forget(session, count):
    session.send(*(about("deregister", token) for token in range(count)))
    session.await_replies(count)


def by_address(session):
    address = "%s:%d" % session.listener.getsockname()
    session.send(*(f'"method":"register","params":{{"token":{token},"address":"{address}"}}'
                   for token in range(IN_FLIGHT)))
    peers = [session.listener.accept()[0] for _ in range(IN_FLIGHT)]
    session.await_replies(IN_FLIGHT)
    forget(session, IN_FLIGHT)
    for peer in peers:
        peer.close()


def by_descriptor(session):
    session.send(*(register(token, "edge") for token in range(IN_FLIGHT)),
                 fds=[near.fileno() for near, _ in session.pairs])
    session.await_replies(IN_FLIGHT)
    forget(session, IN_FLIGHT)


def by_descriptor_each(session):
    session.freeze()
    for token, (near, _) in enumerate(session.pairs):
        session.send(register(token, "edge"), fds=[near.fileno()])
    session.thaw()
    session.await_replies(IN_FLIGHT)
    forget(session, IN_FLIGHT)


WORKS = [
    ("an event, edge, alone", with_streams(1, "edge"), event_alone, 1),
    (f"an event, edge, of {MANY}", with_streams(MANY, "edge"), events_at_once, MANY),
    (f"an event, oneshot, of {MANY}, and its reregister", with_streams(MANY, "oneshot"), events_and_arming, MANY),
    ("`ping`, 1 in flight", with_nothing, requests('"method":"ping"'), 1),
    ("`ping`, 16 in flight", with_nothing, requests(*['"method":"ping"'] * IN_FLIGHT), IN_FLIGHT),
    ("`reregister` of an armed stream, 16 in flight", with_streams(1, "oneshot"),
     requests(*[about("reregister", 0)] * IN_FLIGHT), IN_FLIGHT),
    ("`reregister` that asks the kernel, 16 in flight", with_streams(IN_FLIGHT, "edge"),
     requests(*(about("reregister", token) for token in range(IN_FLIGHT))), IN_FLIGHT),
    ("a guest comes and goes, in a loop of 1 stream", with_guest(1), guest_comes_and_goes, 1),
    (f"a guest comes and goes, in a loop of {MANY} streams", with_guest(MANY), guest_comes_and_goes, 1),
    ("`register` by address, 16 in flight, and `deregister`", with_listener, by_address, IN_FLIGHT),
    ("`register` by descriptor, 16 beside a message, and `deregister`", with_unregistered, by_descriptor, IN_FLIGHT),
    ("`register` by descriptor, a message each, and `deregister`", with_unregistered, by_descriptor_each, IN_FLIGHT),
]


def count(tool, prepare, step, steps):
    daemon = Daemon(tool)
    session = Session(daemon.path)
    prepare(session)
    for _ in range(steps):
        step(session)
    counts = daemon.stop(session.daemon)
    for pair in session.pairs:
        for end in pair:
            end.close()
    return counts


def measure(tool, prepare, step, share):
    once, twice = (count(tool, prepare, step, steps) for steps in (STEPS, 2 * STEPS))
    return {name: (number - once.get(name, 0)) / STEPS / share for name, number in twice.items()}


def as_text(number):
    return "" if round(number, 2) == 1 else f"{number:.0f} " if round(number, 2) == round(number) else f"{number:.2f} "


def main():
    missing = [program for program in ("strace", "valgrind") if not shutil.which(program)]
    if missing:
        print("skipped: there is no", " and no ".join(missing))
        return
    print("| work | system calls | instructions |\n|---|---|---|")
    for name, prepare, step, share in WORKS:
        calls = measure("strace", prepare, step, share)
        instructions = measure("callgrind", prepare, step, share)["instructions"]
        listed = ", ".join(f"{as_text(number)}`{call}`"
                           for call, number in sorted(calls.items(), key=lambda item: (-round(item[1], 2), item[0]))
                           if number >= 0.005)
        print(f"| {name} | {listed} | {instructions:,.0f} |", flush=True)


main()
