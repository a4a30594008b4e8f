#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures the duration of `minimioctl wait` for an open port, compared with `nc -z`; and the delay after the deadline,
with refused ports, silent ports and unresolvable names. Loopback only; ends by itself.

usage: bench/wait.py BUILD [runs]"""
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time

BUILD = sys.argv[1] if len(sys.argv) > 1 else "build"
RUNS = int(sys.argv[2]) if len(sys.argv) > 2 else 300
QUIET = [(os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
MINIMIOCTL = os.path.join(BUILD, "minimioctl")


def run(*command):
    """Seconds from before the start until the end was seen; posix_spawn, as a fork of this would cost more."""
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=QUIET)
    _, status = os.waitpid(pid, 0)
    return time.perf_counter() - start, os.waitstatus_to_exitcode(status)


def say(what, value, unit, limit):
    print(f"{what:<44} {value:>10.2f} {unit}   (at most {limit}: {'ok' if value <= limit else 'MISSED'})", flush=True)


def beside_nc():
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    port = str(listener.getsockname()[1])
    nc = shutil.which("nc")
    times = {"nc": [], "wait": []}
    for _ in range(RUNS):
        for name, command in (("nc", (nc, "-z", "127.0.0.1", port)),
                              ("wait", (MINIMIOCTL, "wait", f"127.0.0.1:{port}"))):
            seconds, code = run(*command)
            assert code == 0, (command, code)
            times[name].append(seconds)
            listener.accept()[0].close()
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{'nc -z, median of ' + str(RUNS):<44} {medians['nc'] * 1000:>10.2f} ms")
    print(f"{'minimioctl wait':<44} {medians['wait'] * 1000:>10.2f} ms")
    say("minimioctl wait / nc -z", medians["wait"] / medians["nc"], "x", 1.3)


def black_hole():
    """A listening port whose queue of connections is full."""
    hole = socket.socket()
    hole.bind(("127.0.0.1", 0))
    hole.listen(0)
    fill = []
    for _ in range(8):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(hole.getsockname())
        fill.append(one)
    return hole, fill


def overstay():
    refused = socket.socket()
    refused.bind(("127.0.0.1", 0))
    hole, fill = black_hole()
    targets = []
    for i in range(40):
        targets += [f"127.0.0.1:{refused.getsockname()[1]}", f"127.0.0.1:{hole.getsockname()[1]}", f"dead{i}.invalid:80"]
    late = []
    for timeout in (0.2, 0.5, 1.0):
        start = time.perf_counter()
        code = subprocess.run([MINIMIOCTL, "wait", "--timeout", str(timeout), *targets], stderr=subprocess.DEVNULL).returncode
        late.append((time.perf_counter() - start - timeout) * 1000)
        assert code == 124, code
    say(f"late after the deadline, {len(targets)} dead targets", max(late), "ms", 50)
    for one in fill:
        one.close()


beside_nc()
overstay()
