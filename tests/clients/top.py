#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`minimioctl top` on a terminal: what it shows, its keys, and that the terminal is as it was after every way out.

usage: MINIMIO_BUILD=BUILD tests/clients/top.py"""
import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import time

BUILD = os.environ["MINIMIO_BUILD"]
MINIMIOCTL = os.path.join(BUILD.removesuffix("/valgrind"), "minimioctl")
PATIENCE = 30


class Daemon:
    def __init__(self, folder):
        self.path = os.path.join(folder, "minimio.sock")
        os.environ["MINIMIO_SOCKET"] = self.path
        self.process = subprocess.Popen([os.path.join(BUILD, "minimiod")], stderr=subprocess.DEVNULL)
        subprocess.run([MINIMIOCTL, "ping", "--wait", "20s"], check=True, stdout=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0

    def session(self, *requests):
        session = socket.socket(socket.AF_UNIX)
        session.connect(self.path)
        lines = session.makefile("rb")
        for request in requests:
            session.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, **request}).encode())
            assert b'"result"' in lines.readline()
        return session


class Top:
    """The program on a terminal of its own, which it is the foreground of."""

    def __init__(self, *options, rows=20, columns=70):
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns, None)
        self.before = termios.tcgetattr(self.slave)
        self.output = b""
        self.process = subprocess.Popen(
            [MINIMIOCTL, "top", "--interval", "50ms", *options], stdin=self.slave, stdout=self.slave,
            stderr=subprocess.PIPE, env={**os.environ, "TERM": "xterm"}, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def resize(self, rows, columns, _):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def key(self, keys):
        os.write(self.master, keys)

    def read_some(self):
        ready, _, _ = select.select([self.master], [], [], PATIENCE)
        assert ready, self.output[-2000:]
        self.output += os.read(self.master, 65536)

    def expect(self, pattern):
        """Awaits that what it draws from now on matches; a frame begins with the cursor going home."""
        self.output = b""
        until = time.monotonic() + PATIENCE
        while not re.search(pattern, self.output):
            assert time.monotonic() < until, (pattern, self.output[-2000:])
            self.read_some()

    def frame(self):
        """A whole frame that began after now, as lines."""
        self.output = b""
        while self.output.count(b"\033[H") < 2:
            self.read_some()
        return [re.sub(rb"\033\[[0-9;?]*[A-Za-z]", b"", line).decode()
                for line in self.output.split(b"\033[H")[1].split(b"\r\n")]

    def expect_end(self, code, error=b""):
        assert self.process.wait(PATIENCE) == code, self.process.returncode
        while select.select([self.master], [], [], 0)[0]:
            self.output += os.read(self.master, 65536)
        assert self.output.rstrip().endswith(b"\033[?25h\033[?1049l"), self.output[-100:]
        assert termios.tcgetattr(self.slave) == self.before, "the terminal is not as it was"
        assert error in self.process.stderr.read()
        self.process.stderr.close()
        os.close(self.master)
        os.close(self.slave)


def names(frame):
    return [line.split()[-1] for line in frame[4:] if line.split()]


def shows_and_sorts(daemon, listener):
    address = "127.0.0.1:%d" % listener.getsockname()[1]
    held = []
    for name, streams in (("alpha", 1), ("beta", 3), ("gamma", 2)):
        registrations = [{"method": "register", "params": {"token": i, "address": address}} for i in range(streams)]
        daemon.session({"method": "open_loop", "params": {"name": name}}, *registrations).close()
        held += [listener.accept()[0] for _ in range(streams)]
    # A reader that does not come: a session with poll delivery that does not ask.
    slow = daemon.session({"method": "open_loop", "params": {"name": "slow", "delivery": "poll"}},
                          {"method": "register", "params": {"token": 1, "address": address}})
    held.append(listener.accept()[0])
    held[-1].send(b"x")

    top = Top()
    top.expect(rb"streams 7")
    assert names(top.frame())[:2] == ["beta", "gamma"]
    top.expect(rb"1  yes +[0-9.]+m?s +[0-9]+  slow")
    top.key(b"n")
    top.expect(rb"by name")
    assert names(top.frame()) == ["alpha", "beta", "gamma", "slow"]
    top.key(b"n")
    top.expect(rb"by name, reversed")
    assert names(top.frame()) == ["slow", "gamma", "beta", "alpha"]
    top.key(b"/amm")
    top.expect(rb"filter amm_")
    top.key(b"\n")
    assert names(top.frame()) == ["gamma"]
    top.key(b"\033")
    top.expect(rb"filter -")
    top.key(b"j")
    top.expect(rb"LOOP\033\[K\r\n[^\r]*gamma")
    top.resize(6, 40, None)
    top.process.send_signal(signal.SIGWINCH)
    top.expect(rb"\033\[J")
    frame = top.frame()
    assert len(frame) == 6 and all(len(line) < 40 for line in frame), frame
    top.key(b"q")
    top.expect_end(0)
    slow.close()
    return held


def leaves_the_terminal_as_it_was(daemon):
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        top = Top()
        top.expect(rb"LOOP")
        top.process.send_signal(number)
        top.expect_end(-number)
    top = Top()
    top.expect(rb"LOOP")
    top.key(b"\003")
    top.expect_end(-signal.SIGINT)
    top = Top("--count", "3")
    top.expect_end(0)
    top = Top("--timeout", "200ms")
    top.expect_end(124)

    top = Top()
    top.expect(rb"LOOP")
    top.process.send_signal(signal.SIGTSTP)
    _, status = os.waitpid(top.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    assert termios.tcgetattr(top.slave) == top.before, "stopped, and the terminal is not as it was"
    top.process.send_signal(signal.SIGCONT)
    top.expect(rb"\033\[\?1049h")
    top.key(b"q")
    top.expect_end(0)

    top = Top()
    top.expect(rb"LOOP")
    daemon.stop()
    top.expect_end(1, b"the daemon closed the connection")


def plain():
    text = subprocess.run([MINIMIOCTL, "top", "--count", "2", "--interval", "20ms"], check=True, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL).stdout
    assert text.count("a second: events") == 2 and "\033" not in text, text
    lines = subprocess.run([MINIMIOCTL, "top", "--count", "2", "--interval", "20ms", "--json"], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    assert len(lines) == 2 and json.loads(lines[1])["sessions"] == 1, lines
    for wrong in (["--interval", "0"], ["--count", "x"], ["x"]):
        assert subprocess.run([MINIMIOCTL, "top", *wrong], stderr=subprocess.DEVNULL).returncode == 2, wrong
    assert "Keys:" in subprocess.run([MINIMIOCTL, "top", "--help"], check=True, capture_output=True, text=True).stdout


def main():
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(folder)
        try:
            plain()
            held = shows_and_sorts(daemon, socket.create_server(("127.0.0.1", 0)))
            leaves_the_terminal_as_it_was(daemon)
            del held
        finally:
            daemon.process.kill()


main()
