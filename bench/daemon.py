#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What minimiod costs: memory an idle session and an idle stream, CPU an event and a request, latency beside a name
server that never answers. Loopback only; ends by itself.

usage: bench/daemon.py BUILD [streams]"""
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = sys.argv[1] if len(sys.argv) > 1 else "build"
STREAMS = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
SESSIONS = 1000


class Daemon:
    def __init__(self, *options):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "minimio.sock")
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "minimiod"), "--socket", self.path, *options], stderr=subprocess.PIPE, text=True
        )
        while "listening" not in self.process.stderr.readline():
            pass

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.connect(self.path)
        return client

    def memory(self):
        """Bytes of its own: what is shared with other processes does not count."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as rollup:
            fields = dict(line.split(":", 1) for line in list(rollup)[1:])
        return sum(int(fields[name].split()[0]) for name in ("Private_Dirty", "Private_Clean")) * 1024

    def cpu(self):
        """Seconds, as exactly as the scheduler counts them."""
        with open(f"/proc/{self.process.pid}/schedstat") as stat:
            return int(stat.read().split()[0]) / 1e9

    def stop(self):
        self.process.terminate()
        assert self.process.wait() == 0
        self.process.stderr.close()
        self.folder.cleanup()


class Session:
    def __init__(self, daemon):
        self.socket = daemon.connect()
        self.lines = self.socket.makefile("rb")

    def send(self, *requests):
        self.socket.sendall(b"".join(json.dumps(request).encode() + b"\n" for request in requests))

    def receive(self):
        return json.loads(self.lines.readline())

    def call(self, method, **params):
        self.send({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        return self.receive()["result"]


def say(what, value, unit, limit=None):
    verdict = "" if limit is None else f"   (at most {limit}: {'ok' if value <= limit else 'MISSED'})"
    print(f"{what:<44} {value:>10.1f} {unit}{verdict}", flush=True)


def memory_of_sessions(daemon):
    Session(daemon).call("ping")
    before = daemon.memory()
    sessions = [Session(daemon) for _ in range(SESSIONS)]
    for session in sessions:
        session.call("ping")
    say("memory an idle session", (daemon.memory() - before) / SESSIONS, "bytes", 1536)


def register_all(session, port, listener):
    peers = []
    for first in range(0, STREAMS, 100):
        count = min(100, STREAMS - first)
        session.send(*(
            {"jsonrpc": "2.0", "id": token, "method": "register",
             "params": {"token": token, "address": f"127.0.0.1:{port}", "mode": "edge"}}
            for token in range(first, first + count)))
        peers += [listener.accept()[0] for _ in range(count)]
        for _ in range(count):
            assert "result" in session.receive()
    return peers


def collect(session):
    """Reads until every token has come; each may come once."""
    seen = set()
    while len(seen) < STREAMS:
        for event in session.receive()["params"]["events"]:
            assert event["token"] not in seen and event["readable"]
            seen.add(event["token"])


def streams(daemon):
    listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
    session = Session(daemon)
    session.call("ping")
    before = daemon.memory()
    peers = register_all(session, listener.getsockname()[1], listener)
    say("memory an idle stream", (daemon.memory() - before) / STREAMS, "bytes", 256)

    costs = []
    for _ in range(5):
        start = daemon.cpu()
        for peer in peers:
            peer.send(b"x")
        collect(session)
        costs.append((daemon.cpu() - start) / STREAMS * 1e9)
    say("CPU an event, edge, each exactly once", statistics.median(costs), "ns")
    session.socket.close()


def requests(daemon):
    session = Session(daemon)
    costs = []
    batch = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n' * 16
    for _ in range(5):
        start = daemon.cpu()
        for _ in range(2000):
            session.socket.sendall(batch)
            for _ in range(16):
                session.lines.readline()
        costs.append((daemon.cpu() - start) / 32000 * 1e9)
    say("CPU a ping, 16 in flight", statistics.median(costs), "ns")


def ping_latency(session, count=2000):
    times = []
    for _ in range(count):
        start = time.perf_counter()
        session.call("ping")
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def dead_name_server():
    """A name server that never answers, and a client whose every name goes there."""
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    daemon = Daemon("--dns", f"127.0.0.1:{silent.getsockname()[1]}")
    watcher, resolving = Session(daemon), Session(daemon)
    ping_latency(watcher)
    ratios = []
    for round_ in range(5):
        alone = ping_latency(watcher)
        resolving.send(*(
            {"jsonrpc": "2.0", "id": 1, "method": "register",
             "params": {"token": round_ * 200 + token, "address": f"host{token}.example:80"}}
            for token in range(200)))
        ratios.append(ping_latency(watcher) / alone)
    say("ping beside 200 lookups without an answer", statistics.median(ratios), "x alone")
    daemon.stop()


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(f"{STREAMS} streams, {SESSIONS} sessions, soft descriptor limit was {soft}")
    daemon = Daemon("--limit", f"sessions={SESSIONS + 10}")
    streams(daemon)
    requests(daemon)
    daemon.stop()
    daemon = Daemon("--limit", f"sessions={SESSIONS + 10}")
    memory_of_sessions(daemon)
    daemon.stop()
    dead_name_server()


main()
