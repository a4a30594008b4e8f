#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`minimioctl top` on a terminal and without one: what it shows, its keys, a daemon that restarts, stalls or lies, and
that the terminal is as it was after every way out.

usage: MINIMIO_BUILD=BUILD tests/clients/top.py [THEME...]"""
import contextlib
import fcntl
import json
import os
import pty
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

BUILD = os.environ["MINIMIO_BUILD"]
MINIMIOCTL = os.path.join(BUILD.removesuffix("/valgrind"), "minimioctl")
PATIENCE = 60
UP, DOWN, PAGE_UP, PAGE_DOWN, HOME, END = b"\033[A", b"\033[B", b"\033[5~", b"\033[6~", b"\033[H", b"\033[F"


class Daemon:
    def __init__(self, folder):
        self.path = os.path.join(folder, "minimio.sock")
        os.environ["MINIMIO_SOCKET"] = self.path
        self.start()

    def start(self):
        self.process = subprocess.Popen([os.path.join(BUILD, "minimiod")], stderr=subprocess.DEVNULL)
        subprocess.run([MINIMIOCTL, "ping", "--wait", "20s"], check=True, stdout=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0

    def session(self, *requests):
        session = socket.socket(socket.AF_UNIX)
        session.connect(self.path)
        with session.makefile("rb") as lines:
            for request in requests:
                session.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, **request}).encode())
                assert b'"result"' in lines.readline()
        return session

    def loop(self, name, streams=0, **params):
        """A named loop with listening sockets for streams."""
        session = self.session({"method": "open_loop", "params": {"name": name, "linger_ms": 600000, **params}})
        with session.makefile("rb") as lines, socket.create_server(("127.0.0.1", 0)) as listener:
            for token in range(streams):
                request = {"jsonrpc": "2.0", "id": 2, "method": "register", "params": {"token": token, "fd": True}}
                socket.send_fds(session, [json.dumps(request).encode()], [listener.fileno()])
                assert b'"result"' in lines.readline()
        return session


class Liar:
    """Speaks the protocol and tells whatever the test wants of it: `answer(method, params)` is a result's JSON text."""

    def __init__(self, folder, answer):
        self.path = os.path.join(folder, "liar.sock")
        self.answer = answer
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                session, _ = self.listener.accept()
                threading.Thread(target=self.serve_session, args=(session,), daemon=True).start()

    def serve_session(self, session):
        with contextlib.suppress(OSError), session, session.makefile("rwb") as lines:
            for line in lines:
                request = json.loads(line)
                result = self.answer(request["method"], request.get("params"))
                lines.write(b'{"jsonrpc":"2.0","id":%d,"result":%s}\n' % (request["id"], result))
                lines.flush()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.path)


class Terminal:
    """What a terminal makes of what it is sent. Anything that it does not know is a fault of the sender's."""

    KNOWN = re.compile(rb"\033\[(?:(?P<row>\d*)(?:;(?P<column>\d*))?H|(?P<clear>2)J|(?P<erase>)K|(?P<style>[017])m"
                       rb"|\?(?P<mode>25|1049)(?P<on>[hl]))|(?P<control>[\r\n])|(?P<text>[ -~]+)")
    PARTIAL = re.compile(rb"\033(\[[0-9;?]*)?$")
    # A signal ends the drawing of a frame, even within a sequence. As in any terminal, an escape cancels what it cuts off.
    CANCELLED = re.compile(rb"\033(\[[0-9;?]*)?(?=\033)")

    def __init__(self, rows, columns):
        self.left = b""
        self.modes = {25: True, 1049: False}
        self.frame = None  # the last whole one
        self.frames = 0
        self.styled = False
        self.resize(rows, columns)

    def resize(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.lines = [[" "] * columns for _ in range(rows)]
        self.reversed = set()
        self.row = self.column = 0
        self.style = b"0"

    def feed(self, data):
        data, at = self.left + data, 0
        while at < len(data):
            match = self.KNOWN.match(data, at)
            cancelled = self.CANCELLED.match(data, at)
            if not match and not cancelled:
                break
            if match:
                self.take(match)
            at = (match or cancelled).end()
        self.left = data[at:]
        assert not self.left or self.PARTIAL.match(self.left), self.left[:60]

    def take(self, match):
        if match["row"] is not None:
            self.home(int(match["row"] or 1), int(match["column"] or 1))
        elif match["clear"]:
            self.resize(self.rows, self.columns)
        elif match["erase"] is not None:
            assert self.column < self.columns, "erased behind the last column"
            self.lines[self.row][self.column:] = " " * (self.columns - self.column)
        elif match["style"]:
            self.style, self.styled = match["style"], True
        elif match["mode"]:
            self.modes[int(match["mode"])] = match["on"] == b"h"
        elif match["control"] == b"\r":
            self.column = 0
        elif match["control"] == b"\n":
            self.row = min(self.row + 1, self.rows - 1)
        else:
            self.write(match["text"].decode())

    def home(self, row, column):
        if (row, column) == (1, 1) and self.modes[1049]:
            self.frame = ["".join(line).rstrip() for line in self.lines]
            self.frame_reversed = self.reversed
            self.reversed = set()
            self.frames += 1
        self.row, self.column = min(row, self.rows) - 1, min(column, self.columns) - 1

    def write(self, text):
        assert not self.modes[1049] or self.column + len(text) <= self.columns, "wrapped: " + text
        text = text[:self.columns - self.column]
        self.lines[self.row][self.column:self.column + len(text)] = text
        self.column += len(text)
        if self.style == b"7":
            self.reversed.add(self.row)


class Top:
    """The program on a terminal of its own, which it is the foreground of."""

    def __init__(self, *options, rows=20, columns=70, command=None, **environment):
        self.master, self.slave = pty.openpty()
        self.terminal = Terminal(rows, columns)
        self.set_size(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            command or [MINIMIOCTL, "top", "--interval", "50ms", *options], stdin=self.slave, stdout=self.slave,
            stderr=subprocess.PIPE, env={**os.environ, "TERM": "xterm", "NO_COLOR": "", **environment},
            start_new_session=True, preexec_fn=self.begin)

    def begin(self):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def set_size(self, rows, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        """What was drawn for the old size is read before the terminal has the new one."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)
        while select.select([self.master], [], [], 0)[0]:
            self.read_some()
        self.terminal.resize(rows, columns)
        self.set_size(rows, columns)
        self.process.send_signal(signal.SIGCONT)

    def key(self, keys):
        os.write(self.master, keys)

    def read_some(self):
        ready, _, _ = select.select([self.master], [], [], PATIENCE)
        assert ready, self.terminal.frame
        self.terminal.feed(os.read(self.master, 65536))

    def expect(self, what):
        """Awaits a whole frame of which `what` is true, or in which it is found, and returns its rows."""
        is_seen = what if callable(what) else lambda frame: re.search(what, "\n".join(frame))
        until = time.monotonic() + PATIENCE
        seen = self.terminal.frames
        while self.terminal.frames == seen or not is_seen(self.terminal.frame):
            seen = self.terminal.frames
            assert time.monotonic() < until, (what, self.terminal.frame)
            self.read_some()
        return self.terminal.frame

    def expect_names(self, *names):
        self.expect(lambda frame: tuple(shown(frame)[:len(names)]) == names)

    def selected(self):
        return [self.terminal.frame[row].split()[0] for row in sorted(self.terminal.frame_reversed)][1:]

    def expect_selected(self, name):
        self.expect(lambda frame: self.selected() == [name])

    def expect_end(self, code, error=b""):
        assert self.process.wait(PATIENCE) == code, (self.process.returncode, self.process.stderr.read())
        while select.select([self.master], [], [], 0)[0]:
            self.terminal.feed(os.read(self.master, 65536))
        assert self.terminal.modes == {25: True, 1049: False}, self.terminal.modes
        assert termios.tcgetattr(self.slave) == self.before, "the terminal is not as it was"
        said = self.process.stderr.read()
        assert error in said if error else not said, said
        self.close()

    def quit(self):
        self.key(b"q")
        self.expect_end(0)

    def close(self):
        self.process.stderr.close()
        os.close(self.master)
        os.close(self.slave)


def shown(frame):
    """The loops' names of a frame."""
    title = next((row for row, line in enumerate(frame) if line.strip().startswith("LOOP")), len(frame))
    return [line.split()[0] for line in frame[title + 1:-1] if line]


# ---- Themes ---------------------------------------------------------------------------------------------------------


def shows_and_sorts(daemon, _):
    for name, streams in (("alpha", 1), ("beta", 3), ("gamma", 2)):
        daemon.loop(name, streams).close()
    # A reader that does not come: a session with poll delivery that does not ask.
    slow = daemon.loop("slow", delivery="poll")
    ours, theirs = socket.socketpair()
    request = {"jsonrpc": "2.0", "id": 3, "method": "register", "params": {"token": 1, "fd": True}}
    socket.send_fds(slow, [json.dumps(request).encode()], [theirs.fileno()])
    ours.send(b"x")

    top = Top()
    frame = top.expect("streams 7")
    assert "sessions 1  loops 4  streams 7" in frame[0], "itself is not counted"
    assert frame[-1].startswith("q quit  ? help  / filter  Enter details  s r n sort"), frame
    top.expect_names("beta", "gamma")
    top.expect(r"slow +[0-9]+ +yes +[0-9.]+m?s +1 +1\n")
    top.key(b"n")
    top.expect_names("alpha", "beta", "gamma", "slow")
    top.key(b"n")
    top.expect("by name, reversed")
    top.expect_names("slow", "gamma", "beta", "alpha")
    top.key(b"/amm")
    top.expect("filter amm_")
    top.key(b"x\x7f\n")
    top.expect(lambda frame: shown(frame) == ["gamma"])
    top.key(b"/xyz")
    top.expect("no loops")
    top.key(b"\033")
    top.expect_names("slow", "gamma", "beta", "alpha")
    top.key(b"\033[15~\033[1;5C\033[[A\033OP")  # keys that mean nothing here, letters and all
    top.key(b"\r")
    top.expect("LINGER    10m0s")
    top.key(DOWN)
    top.expect("gamma")
    top.key(b"x?")
    top.expect("q, Ctrl-C +quit")
    top.key(b"q")
    top.expect(r"slow +[0-9]+ +yes")
    top.quit()
    for end in (slow, ours, theirs):
        end.close()


def shows_nothing_of_itself(_, __):
    """The rates of a daemon that nobody else asks are zero."""
    top = Top()
    top.expect("sessions 0  loops 0  streams 0")
    for _ in range(5):
        frame = top.expect("no loops")
    assert frame[1] == "events/s 0  requests/s 0  in/s 0 bytes  out/s 0 bytes", frame
    top.quit()


def scrolls(daemon, _):
    for i in range(230):
        daemon.loop(f"loop{i:03}").close()
    top = Top(rows=12)
    top.expect("1-7 of 230")
    top.expect_selected("loop000")
    for keys, name in ((DOWN, "loop001"), (b"j\033OB", "loop003"), (UP, "loop002"), (b"k", "loop001"),
                       (PAGE_DOWN * 2, "loop013"), (PAGE_UP, "loop007"), (END, "loop229"), (DOWN, "loop229"),
                       (b"\033[1~", "loop000"), (UP, "loop000"), (b"\033[4~", "loop229"), (HOME, "loop000"),
                       (b"G", "loop229"), (PAGE_UP * 60, "loop000"), (b"\033[1;2B", "loop001")):
        top.key(keys)
        top.expect_selected(name)
    # A sequence that comes in two pieces, and the selection stays with its loop in another order.
    for piece in (b"\033[", b"B"):
        top.key(piece)
    top.expect_selected("loop002")
    top.key(b"nn")
    top.expect_selected("loop002")
    top.expect("by name, reversed")
    top.key(b"\r")
    top.expect("loop002\nSTREAMS   0")
    subprocess.run([MINIMIOCTL, "close-loop", "--loop", "loop002"], check=True, stdout=subprocess.DEVNULL)
    top.expect(r"LOOP \(gone\)\nloop002")
    top.key(b"\033")
    top.expect("of 229")
    top.quit()


def fits_narrow_screens(daemon, _):
    for name in ("a" * 64, "b" * 40, "c" * 29, "d"):
        daemon.loop(name).close()
    top = Top(rows=12, columns=40)
    top.expect_names("a" * 39 + "+", "b" * 40, "c" * 29, "d")
    frame = top.expect("LOOP +READY  STREAMS\n")
    assert frame[6:8] == ["c" * 29 + " " * 10 + "0", "d" + " " * 29 + "0        0"], frame
    assert "q quit  ? help" in frame[-1]
    top.key(b"\r")
    top.expect("LOOP\n" + "a" * 40 + "\n" + "a" * 24 + "\nSTREAMS")
    top.key(b"?")
    top.key(b"?")
    top.expect("s r n +sort")
    top.key(b" ")
    top.resize(50, 200)
    top.expect("a{64} +[0-9]+ +no +- +0 +0\nb{40} ")
    for rows, columns in ((1, 1), (2, 5), (3, 10), (4, 20), (5, 30), (6, 39), (24, 80)):
        top.resize(rows, columns)
        frames = top.terminal.frames
        top.expect(lambda frame: len(frame) == rows and top.terminal.frames > frames + 2)
    top.expect("a{64} +0 +0\n")
    top.quit()


def survives_restarts(daemon, folder):
    daemon.loop("before").close()
    plain = subprocess.Popen([MINIMIOCTL, "top", "--interval", "50ms"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    objects = subprocess.Popen([MINIMIOCTL, "top", "--interval", "50ms", "--json"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    assert b"sessions" in plain.stdout.readline() and b"before" in objects.stdout.readline()
    top = Top()
    top.expect("before")
    daemon.stop()
    frame = top.expect("daemon gone, waiting [0-9]+s: cannot connect")
    assert "events/s -  requests/s -" in frame[1] and shown(frame) == ["before"], frame
    for process in plain, objects:
        assert b"daemon gone, waiting" in process.stderr.readline()
    ended = Top()
    ended.expect_end(1, b"cannot connect")  # a daemon that has never been there is not awaited
    daemon.start()
    for process in plain, objects:
        assert b"the daemon is back" in process.stderr.readline()
    daemon.loop("after").close()
    top.expect(lambda frame: shown(frame) == ["after"] and re.match("events/s [0-9]", frame[1]))
    top.key(b"?")
    top.expect("any key")

    # One that is there and does not answer: keys work all the same.
    top.key(b"q")
    daemon.process.send_signal(signal.SIGSTOP)
    top.expect("daemon does not answer, waiting [0-9]+s")
    top.key(b"n")
    top.expect("daemon does not answer, waiting ([3-9]|..+)s")
    assert b"daemon does not answer" in plain.stderr.readline()
    stalled = Top()
    stalled.expect("daemon does not answer")
    stalled.key(b"\003")
    stalled.expect_end(-signal.SIGINT)
    daemon.process.send_signal(signal.SIGCONT)
    top.expect("by name")
    assert b"the daemon is back" in plain.stderr.readline()
    top.quit()

    # A line of a report that was cut by the end may be the last one.
    plain.terminate()
    objects.terminate()
    text, lines = plain.communicate()[0].decode(), objects.communicate()[0].decode().splitlines()[:-1]
    assert "after" in text and "-" not in re.sub("(?m)^(after|before) .*$", "", text), text
    rates = [json.loads(line)["requests_per_second"] for line in lines]
    assert rates and min(rates) >= 0, rates

    daemon.stop()
    daemon.start()
    timed = Top("--timeout", "3s")
    timed.expect("no loops")
    daemon.stop()
    timed.expect_end(124)
    daemon.start()


def leaves_the_terminal_as_it_was(daemon, _):
    """Crashes are raised from outside, as is every other signal that ends a program. A sanitizer has its own way to end
    after a crash."""
    own = "handle_segv=0:handle_sigbus=0:handle_abort=0"
    sanitizers = {name: f"{os.environ.get(name, '')} {own}" for name in ("ASAN_OPTIONS", "TSAN_OPTIONS")}
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGALRM, signal.SIGXCPU,
                   signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS):
        top = Top(**sanitizers)
        top.expect("LOOP")
        top.process.send_signal(number)
        top.expect_end(-number)
    top = Top()
    top.expect("LOOP")
    top.key(b"\003")
    top.expect_end(-signal.SIGINT)
    Top("--count", "3").expect_end(0)
    Top("--timeout", "200ms").expect_end(124)

    # Nobody could let it go on, so it does not stop; and Ctrl-S does not freeze it.
    top = Top()
    top.expect("LOOP")
    top.key(b"\032\023")
    top.expect("by streams")
    top.key(b"n")
    top.expect("by name")
    top.quit()

    # A terminal that takes nothing, as its reader does not read, keeps no signal from ending the program.
    top = Top(rows=200, columns=200)
    while select.select([], [top.slave], [], 0)[1]:
        select.select([top.master], [], [], 0.01)
    top.process.send_signal(signal.SIGTERM)
    assert top.process.wait(PATIENCE) == -signal.SIGTERM
    assert termios.tcgetattr(top.slave) == top.before, "the terminal is not as it was"
    top.close()

    # A terminal that goes away.
    top = Top()
    top.expect("LOOP")
    os.close(top.slave)
    os.close(top.master)
    assert top.process.wait(PATIENCE) in (1, -signal.SIGHUP), top.process.returncode
    top.process.stderr.close()


# What a shell with job control does of one job: says on standard error that it has stopped, and lets it go on.
SHELL = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
job = subprocess.Popen(sys.argv[1:], process_group=0)
while True:
    os.tcsetpgrp(0, job.pid)
    os.killpg(job.pid, signal.SIGCONT)
    _, status = os.waitpid(job.pid, os.WUNTRACED)
    os.tcsetpgrp(0, os.getpgrp())
    if not os.WIFSTOPPED(status):
        sys.exit(os.waitstatus_to_exitcode(status))
    print("stopped", file=sys.stderr, flush=True)
    signal.sigwait([signal.SIGUSR1])
"""


def stops_and_goes_on(_, __):
    """Under a shell with job control."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    top = Top(command=[sys.executable, "-c", SHELL, MINIMIOCTL, "top", "--interval", "50ms"])
    for key, order in (b"s", "streams, reversed"), (b"n", "name"):
        top.key(key)
        top.expect("by " + order)
        top.key(b"\032")
        assert top.process.stderr.readline() == b"stopped\n"
        while select.select([top.master], [], [], 0)[0]:
            top.read_some()
        assert top.terminal.modes == {25: True, 1049: False}, top.terminal.modes
        assert termios.tcgetattr(top.slave) == top.before, "stopped, and the terminal is not as it was"
        top.terminal.resize(20, 70)
        top.process.send_signal(signal.SIGUSR1)
        top.expect("by " + order)
    top.quit()


def draws_no_lies(_, folder):
    """Names and errors that steer a terminal, pages without end, and what is not an answer at all."""
    evil = json.dumps("\033[2J\033]0;x\007\x9b31m\u00e9\u202e\\q\n", ensure_ascii=False).encode()
    counters = b'{"sessions":2,"loops":3,"registrations":-5,"uptime_ms":1e300}'
    good = b'{"loops":[{"name":%s,"uid":1}],"next":null}' % evil
    pages = {"stats": counters, "loops": good}
    liar = Liar(folder, lambda method, params: pages[method])
    top = Top("--socket", liar.path, columns=200)
    frame = top.expect("sessions 1  loops 2  streams 0")
    assert r"\x1b[2J\x1b]0;x\x07\xc2\x9b31m\xc3\xa9\xe2\x80\xae\x5cq\x0a " in frame[4], frame[4]
    plain = [MINIMIOCTL, "top", "--socket", liar.path, "--interval", "10ms", "--count", "1", "--timeout", "20s"]
    text = subprocess.run(plain, check=True, capture_output=True).stdout
    assert text.isascii() and b"\033" not in text and b"\\x1b[2J" in text, text
    text = subprocess.run([*plain, "--json"], check=True, capture_output=True).stdout
    assert json.loads(text)["named"][0]["name"].startswith("\\x1b[2J"), text

    pages["loops"] = b'{"loops":[],"next":"same"}'
    top.expect("daemon gone, waiting .*: the daemon sent an answer")
    assert b"sent an answer" in subprocess.run(plain, capture_output=True).stderr
    for wrong in (b'[]', b'"x"', b'{"loops":[1,"x",{}],"next":"\\u001b"}', b'nonsense\x9b'):
        pages["loops"] = wrong
        ended = subprocess.run(plain, capture_output=True)
        assert ended.returncode == 1 and ended.stderr.startswith(b"minimioctl top: the daemon sent"), (wrong, ended)
    top.expect("daemon gone")
    pages["loops"] = good
    top.expect("sessions 1  loops 2  streams 0.*\n.*\n1-1 of 1")
    top.quit()
    liar.close()


def plain(daemon, _):
    daemon.loop("one").close()
    text = subprocess.run([MINIMIOCTL, "top", "--count", "2", "--interval", "20ms"], check=True, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL).stdout
    assert text.count("events/s 0") == 2 and "\n\nsessions 0  loops 1" in text and "\033" not in text, text
    lines = subprocess.run([MINIMIOCTL, "top", "--count", "2", "--interval", "20ms", "--json"], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    assert len(lines) == 2 and json.loads(lines[1])["sessions"] == 0, lines
    assert json.loads(lines[1])["requests_per_second"] == 0, lines
    for wrong in (["--interval", "0"], ["--count", "x"], ["x"]):
        assert subprocess.run([MINIMIOCTL, "top", *wrong], stderr=subprocess.DEVNULL).returncode == 2, wrong
    assert "Keys:" in subprocess.run([MINIMIOCTL, "top", "--help"], check=True, capture_output=True, text=True).stdout

    # A terminal that can do nothing gets reports too.
    for term in "dumb", "unknown", "":
        top = Top("--count", "2", TERM=term)
        assert top.process.wait(PATIENCE) == 0
        text = os.read(top.master, 65536)
        assert b"\033" not in text and text.count(b"LOOP") == 2 and b"\r\none " in text, text
        top.close()
    # Without colours there are no styles, and a mark shows what is selected.
    top = Top(NO_COLOR="1")
    top.expect("\n> one ")
    assert not top.terminal.styled
    top.quit()
    # A full disk is an error, and a reader that leaves is none.
    with open("/dev/full", "w", encoding="ascii") as full:
        assert subprocess.run([MINIMIOCTL, "top", "--interval", "10ms"], stdout=full,
                              stderr=subprocess.DEVNULL).returncode == 1
    reader, writer = os.pipe()
    os.close(reader)
    assert subprocess.run([MINIMIOCTL, "top", "--interval", "10ms"], stdout=writer).returncode == -signal.SIGPIPE
    os.close(writer)


THEMES = (plain, shows_nothing_of_itself, shows_and_sorts, scrolls, fits_narrow_screens, survives_restarts,
          leaves_the_terminal_as_it_was, stops_and_goes_on, draws_no_lies)


def main():
    names = sys.argv[1:] or [theme.__name__ for theme in THEMES]
    assert set(names) <= {theme.__name__ for theme in THEMES}, names
    for theme in THEMES:
        if theme.__name__ not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            daemon = Daemon(folder)
            try:
                theme(daemon, folder)
            except BaseException:
                print("in", theme.__name__, flush=True)
                raise
            finally:
                daemon.process.kill()
                daemon.process.wait()


main()
