#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures how long a client that rejoins a named loop waits for the missed events: from open_loop to the last event,
compared with the same number of events in an unbroken session. The events either accumulated without a session
("rejoined"), or were delivered to the previous session, which may have died before reading ("delivered again"). The
unbroken session is measured at its best too: the daemon is stopped until all bytes have arrived, and so needs the fewest
turns. Loopback only; ends by itself.

usage: bench/rejoin.py BUILD [streams]"""
import json
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = sys.argv[1] if len(sys.argv) > 1 else "build"
STREAMS = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
ROUNDS = 7
AT_MOST = 2.0


class Daemon:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "minimio.sock")
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "minimiod"), "--socket", self.path], stderr=subprocess.PIPE, text=True
        )
        while "listening" not in self.process.stderr.readline():
            pass

    def cpu(self):
        """CPU seconds, with the precision of the scheduler."""
        with open(f"/proc/{self.process.pid}/schedstat") as stat:
            return int(stat.read().split()[0]) / 1e9

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        self.process.terminate()
        assert self.process.wait() == 0
        self.process.stderr.close()
        self.folder.cleanup()


class Session:
    def __init__(self, daemon):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(daemon.path)
        self.lines = self.socket.makefile("rb")

    def send(self, *requests):
        self.socket.sendall(b"".join(json.dumps(request).encode() + b"\n" for request in requests))

    def call(self, method, **params):
        self.send({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        return json.loads(self.lines.readline())["result"]

    def read_events(self):
        """Reads until every stream had an event. Does not parse, because the bench measures the daemon."""
        count = 0
        while count < STREAMS:
            line = self.lines.readline()
            assert line
            count += line.count(b'{"token":')
        assert count == STREAMS

    def close(self):
        self.lines.close()
        self.socket.close()


def register_all(session):
    listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    peers = []
    for first in range(0, STREAMS, 100):
        count = min(100, STREAMS - first)
        session.send(*(
            {"jsonrpc": "2.0", "id": token, "method": "register",
             "params": {"token": token, "address": address, "mode": "edge"}}
            for token in range(first, first + count)))
        peers += [listener.accept()[0] for _ in range(count)]
        for _ in range(count):
            assert "result" in json.loads(session.lines.readline())
    listener.close()
    for peer in peers:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peers


def measure(daemon, begin, session):
    cpu = daemon.cpu()
    start = time.perf_counter()
    begin()
    session.read_events()
    return (time.perf_counter() - start) * 1e3, (daemon.cpu() - cpu) * 1e3


def unbroken(daemon, session, peers):
    daemon.freeze()
    for peer in peers:
        peer.send(b"x")
    return measure(daemon, daemon.thaw, session)


def rejoined(daemon):
    """Returns the new session and its measurement."""
    session = Session(daemon)
    open_loop = {"jsonrpc": "2.0", "id": 1, "method": "open_loop", "params": {"name": "bench"}}
    return session, measure(daemon, lambda: session.send(open_loop), session)


def gather(watcher, peers):
    for peer in peers:
        peer.send(b"x")
    while watcher.call("loops")["loops"][0]["pending"] < STREAMS:
        pass


def leave(session, watcher):
    session.close()
    while watcher.call("loops")["loops"][0]["attached"]:
        pass


def report(times):
    for what, measured in times.items():
        print(f"{STREAMS} events, {what:<15} {statistics.median(m[0] for m in measured):>8.1f} ms,"
              f" CPU of the daemon {statistics.median(m[1] for m in measured):>7.1f} ms")
    rejoined, delivered_again = (
        statistics.median(there[0] / unbroken[0] for there, unbroken in zip(times[what], times["unbroken"]))
        for what in ("rejoined", "delivered again"))
    print(f"rejoined / unbroken        {rejoined:.2f}   (at most {AT_MOST}: {'ok' if rejoined <= AT_MOST else 'MISSED'})")
    print(f"delivered again / unbroken {delivered_again:.2f}   (each stream is polled first)")


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    daemon = Daemon()
    watcher, session = Session(daemon), Session(daemon)
    session.call("open_loop", name="bench")
    peers = register_all(session)
    times = {"unbroken": [], "rejoined": [], "delivered again": []}
    for _ in range(ROUNDS):
        times["unbroken"].append(unbroken(daemon, session, peers))
        leave(session, watcher)
        gather(watcher, peers)
        session, measured = rejoined(daemon)
        times["rejoined"].append(measured)
        leave(session, watcher)
        session, measured = rejoined(daemon)
        times["delivered again"].append(measured)
    report(times)
    daemon.stop()


main()
