#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures the CPU use of `minimioctl top` at two refreshes per second, on a terminal, with 10,000 streams in a hundred
loops; and the CPU use of the daemon for the queries. Loopback only; ends by itself.

usage: bench/top.py BUILD [seconds]"""
import json
import os
import pty
import resource
import select
import socket
import subprocess
import sys
import tempfile
import time

BUILD = sys.argv[1] if len(sys.argv) > 1 else "build"
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 5
LOOPS, STREAMS = 100, 100


def start_daemon(folder):
    path = os.path.join(folder, "minimio.sock")
    os.environ["MINIMIO_SOCKET"] = path
    process = subprocess.Popen([os.path.join(BUILD, "minimiod")], stderr=subprocess.DEVNULL)
    subprocess.run([os.path.join(BUILD, "minimioctl"), "ping", "--wait", "20s"], check=True, stdout=subprocess.DEVNULL)
    return process, path


def fill(path, name):
    """Makes a loop of streams: socket pairs, registered by descriptor. Returns the other ends."""
    session = socket.socket(socket.AF_UNIX)
    session.connect(path)
    lines = session.makefile("rb")
    session.sendall(json.dumps({"jsonrpc": "2.0", "id": 0, "method": "open_loop", "params": {"name": name}}).encode())
    lines.readline()
    ends = []
    for token in range(STREAMS):
        ours, theirs = socket.socketpair()
        request = {"jsonrpc": "2.0", "id": 1, "method": "register", "params": {"token": token, "fd": True}}
        socket.send_fds(session, [json.dumps(request).encode()], [theirs.fileno()])
        theirs.close()
        assert b'"result"' in lines.readline()
        ends.append(ours)
    session.close()
    return ends


def cpu(pid):
    with open(f"/proc/{pid}/schedstat") as stat:
        return int(stat.read().split()[0]) / 1e9


def say(what, value, limit=None):
    verdict = "" if limit is None else f"   (at most {limit}: {'ok' if value <= limit else 'MISSED'})"
    print(f"{what:<44} {value:>10.2f} % of a core{verdict}", flush=True)


def main():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as folder:
        daemon, path = start_daemon(folder)
        held = [fill(path, f"loop{i}") for i in range(LOOPS)]
        master, slave = pty.openpty()
        top = subprocess.Popen([os.path.join(BUILD, "minimioctl"), "top"], stdin=slave, stdout=slave,
                               env={**os.environ, "TERM": "xterm"})
        started, daemon_before = time.monotonic(), cpu(daemon.pid)
        output = b""
        while time.monotonic() < started + SECONDS:
            if select.select([master], [], [], 0.1)[0]:
                output += os.read(master, 65536)
        assert b"streams %d" % (LOOPS * STREAMS) in output, output[-500:]
        elapsed = time.monotonic() - started
        say(f"top, {LOOPS * STREAMS} streams, two refreshes a second", cpu(top.pid) / elapsed * 100, 5)
        say("the daemon, queried by top", (cpu(daemon.pid) - daemon_before) / elapsed * 100)
        os.write(master, b"q")
        assert top.wait() == 0
        daemon.terminate()
        daemon.wait()
        del held


main()
