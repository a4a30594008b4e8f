#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What minimiod makes of the sockets that a service manager passes (sd_listen_fds(3)): it listens on the one that it can
listen on, and every other is an error at the start that says why.

usage: MINIMIO_BUILD=BUILD tests/clients/passed_sockets.py"""
import os
import socket
import subprocess
import sys
import tempfile

BUILD = os.environ["MINIMIO_BUILD"]
FOLDER = tempfile.TemporaryDirectory(prefix="minimio-passed-")
UNIX, TCP = socket.AF_UNIX, socket.AF_INET
kept = []


def keep(made):
    kept.append(made)
    return made.fileno()


def unix(kind=socket.SOCK_STREAM, listens=True):
    made = socket.socket(UNIX, kind)
    made.bind(f"{FOLDER.name}/{len(kept)}.sock")
    if listens:
        made.listen()
    return keep(made)


def tcp():
    return keep(socket.create_server(("127.0.0.1", 0)))


def udp():
    made = socket.socket(TCP, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    return keep(made)


def connection():
    ends = socket.socketpair()
    kept.append(ends[1])
    return keep(ends[0])


def pipe():
    return keep(open("/dev/null", "rb"))


def start(fds, names, count=None):
    """Starts minimiod with the descriptors from 3 on, as a manager does."""

    def pass_them():
        copies = [os.dup(fd) for fd in fds]
        high = [os.dup2(copy, 100 + i) for i, copy in enumerate(copies)]
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i)
            os.set_inheritable(3 + i, True)
        os.environ["LISTEN_PID"] = str(os.getpid())
        os.environ["LISTEN_FDS"] = count or str(len(fds))
        if names is not None:
            os.environ["LISTEN_FDNAMES"] = ":".join(names)
        os.execv(f"{BUILD}/minimiod", ["minimiod", "--socket", f"{FOLDER.name}/own.sock", "--config", "/dev/null"])

    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writer, 2)
        try:
            pass_them()
        finally:
            os._exit(127)  # a traceback would hold the text that is expected
    os.close(writer)
    return pid, os.fdopen(reader)


def check(what, fds, names, *texts, count=None):
    pid, log = start(fds, names, count)
    said = ""
    for line in log:
        said += line
        if "listening on" in line:  # which is wrong
            os.kill(pid, 15)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status != 1 or not all(text in said for text in texts) or "listening on" in said:
        sys.exit(f"{what}: ended with {status}, and said:\n{said}\nexpected: {texts}")


def serves(what, fd, names):
    pid, log = start([fd], names)
    while "listening on" not in (line := log.readline()):
        if not line:
            sys.exit(f"{what}: does not start")
    path = socket.socket(fileno=os.dup(fd)).getsockname()
    subprocess.run([f"{BUILD}/minimioctl", "--socket", path, "ping"], check=True, stdout=subprocess.DEVNULL)
    os.kill(pid, 15)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
        sys.exit(f"{what}: did not end well")


PASSED = "was passed and cannot be used: "
linked = subprocess.run(["ldd", f"{BUILD.removesuffix('/valgrind')}/minimiod"], stdout=subprocess.PIPE, text=True)
if "libsystemd" not in linked.stdout:
    check("without libsystemd", [unix()], None, "was built without libsystemd")
    sys.exit()

serves("a socket without a name", unix(), None)
serves("the named one", unix(), ["minimio.socket"])
serves("a socket of another unit", unix(), ["web.socket"])

ONE = "minimiod listens on one socket, and "
check("two", [unix(), unix()], None, f"descriptor 3 (without a name) {PASSED}{ONE}none of those passed is named", "descriptor 4")
check("two units", [unix(), unix()], ["a.socket", "minimio.socket"], f"descriptor 3 (a.socket) {PASSED}{ONE}another one was")
check("TCP", [tcp()], ["minimio.socket"], f"descriptor 3 (minimio.socket) {PASSED}it is not a Unix socket")
check("UDP", [udp()], None, f"{PASSED}it is not a Unix socket")
check("UDP of any name", [udp()], ["web"], f"descriptor 3 (web) {PASSED}it is not a Unix socket")
check("datagrams", [unix(socket.SOCK_DGRAM, False)], ["minimio.socket"], f"{PASSED}it is not a stream socket")
check("packets", [unix(socket.SOCK_SEQPACKET)], None, f"{PASSED}it is not a stream socket")
check("Accept=yes", [connection()], ["connection"], f"descriptor 3 (connection) {PASSED}it does not listen; a connection")
check("a file", [pipe()], None, f"{PASSED}it is not a socket")
check("one that can, and TCP", [unix(), tcp()], None, f"descriptor 4 (without a name) {PASSED}it is not a Unix socket")
check("another name", [unix()], ["web"], f"descriptor 3 (web) {PASSED}its name must be minimio.socket")
check("a name that steers the terminal", [tcp()], ["\033[2J.socket"], "descriptor 3 (\\x1b[2J.socket)")
check("no number", [unix()], None, "the descriptors that were passed (LISTEN_FDS) cannot be used", count="x")
