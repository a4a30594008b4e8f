# SPDX-License-Identifier: MIT
"""One user works against the daemon as hard as the protocol lets it; another user's pings go on.

Each attack runs in a process of its own as one uid, while a client of another uid pings. What a ping waits for is
measured as the time that the daemon's thread has computed between the ping and its reply: on a busy machine the clock
says little. Exits with 77 where it cannot be tried.

usage: run.py BUILD [--only ATTACK] [--pings N] [--json]
"""
import argparse
import array
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time

ATTACKER, VICTIM = 12345, 12346
MOST_MS = 10     # of the daemon's time, for all pings but one in a hundred
MEDIAN_MS = 2    # likewise, for half of them
ENDING_MS = 1000  # likewise, from SIGTERM to the end, while the attack goes on
TRIES = 3         # a busy machine makes the same work take more processor time now and then, a fault does so each time
STREAMS = 4000
SKIPPED = 77


def request(method, params=None, id=None):
    message = {"jsonrpc": "2.0", "method": method}
    if id is not None:
        message["id"] = id
    if params is not None:
        message["params"] = params
    return json.dumps(message).encode() + b"\n"


class Client:
    """A session: requests, and their replies in order."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")

    def send(self, data, fds=()):
        if fds:
            control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
            sent = self.socket.sendmsg([data], control)
            data = data[sent:]
        self.socket.sendall(data)

    def reply(self):
        while True:
            message = json.loads(self.lines.readline())
            if "id" in message:
                return message

    def call(self, method, params=None):
        self.send(request(method, params, 1))
        return self.reply()

    def close(self):
        self.lines.close()
        self.socket.close()


def register_many(client, count, fds, **params):
    """Registers copies of `fds`, in turns, as tokens from 0 on."""
    for first in range(0, count, 16):
        tokens = range(first, min(first + 16, count))
        data = b"".join(request("register", dict(token=token, fd=True, **params), token + 1) for token in tokens)
        client.send(data, [fds[token % len(fds)] for token in tokens])
        for _ in tokens:
            reply = client.reply()
            assert "result" in reply, reply


# ---- Attacks: each sets itself up, calls ready() once, and goes on until it is ended --------------------------------


def many_sessions(path, ready, count, data):
    """`count` sessions that send `data` over and over and read what comes."""
    fds = socket.socketpair()
    clients = []
    for _ in range(count):
        client = Client(path)
        register_many(client, 100 if count < 200 else 16, [fds[0].fileno()], interests=[])
        client.socket.setblocking(False)
        clients.append(client)
    ready()
    while True:
        for client in clients:
            try:
                client.socket.send(data)
            except BlockingIOError:
                pass
            try:
                client.socket.recv(1 << 20)
            except BlockingIOError:
                pass


def lists_without_replies(path, ready):
    many_sessions(path, ready, 100, request("list") * 200)


def lists(path, ready):
    many_sessions(path, ready, 100, request("list", id=1) * 20)


def batches_of_lists(path, ready):
    batch = b"[" + b",".join(request("list", id=i).strip() for i in range(60)) + b"]\n"
    many_sessions(path, ready, 50, batch)


def a_thousand_sessions(path, ready):
    many_sessions(path, ready, 1000, request("list", id=1) * 4)


def takeovers(path, ready):
    a, b = socket.socketpair()
    first, second = Client(path), Client(path)
    first.call("open_loop", {"name": "x"})
    register_many(first, STREAMS, [a.fileno()])
    ready()
    while True:
        for client in (second, first):
            client.call("open_loop", {"name": "x", "takeover": True})


def closed_loops(path, ready):
    a, b = socket.socketpair()
    client = Client(path)
    client.call("open_loop")
    register_many(client, STREAMS, [a.fileno()])
    ready()
    while True:
        client.call("close_loop")
        client.call("open_loop")
        register_many(client, STREAMS, [a.fileno()])


def ended_sessions(path, ready):
    a, b = socket.socketpair()
    ready()
    while True:
        client = Client(path)
        register_many(client, STREAMS, [a.fileno()])
        client.close()


def level_polls(path, ready):
    pairs = [socket.socketpair() for _ in range(64)]
    client = Client(path)
    client.call("open_loop", {"delivery": "poll"})
    register_many(client, STREAMS, [pair[0].fileno() for pair in pairs], interests=["writable"], mode="level")
    ready()
    while True:
        client.call("poll", {"timeout_ms": 0, "max": 1})
        client.call("poll", {"timeout_ms": 0})


def half_closed(path, ready):
    """Most of its tokens are silent; the last bring event after event."""
    a, b = socket.socketpair()
    idle = socket.socketpair()
    client = Client(path)
    register_many(client, STREAMS, [idle[0].fileno()], interests=[])
    client.send(request("register", {"token": STREAMS, "fd": True, "mode": "edge"}, 1), [a.fileno()])
    client.reply()
    client.socket.shutdown(socket.SHUT_WR)
    ready()
    a.setblocking(False)
    while True:
        b.send(b"x")
        client.lines.readline()
        a.recv(16)


def backlogs_of_the_dead(path, ready):
    """A client writes much and dies, and another asks for its loop."""
    a, b = socket.socketpair()
    ready()
    while True:
        client = Client(path)
        while "error" in client.call("open_loop", {"name": "x"}):
            pass
        register_many(client, 100, [a.fileno()], interests=[], **{})
        client.socket.setblocking(False)
        try:
            while True:
                client.socket.send(request("list", id=1) * 50)
        except BlockingIOError:
            pass
        client.close()
        client = Client(path)
        client.call("open_loop", {"name": "x"})
        client.call("close_loop")
        client.close()


def connects(path, ready):
    """Many connects that hang, ended all at once."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    address = "127.0.0.1:%d" % listener.getsockname()[1]
    fill = [socket.socket() for _ in range(4)]
    for each in fill:
        each.setblocking(False)
        each.connect_ex(listener.getsockname())
    first, second = Client(path), Client(path)
    ready()
    while True:
        first.call("open_loop", {"name": "x"})
        for token in range(2000):
            first.send(request("register", {"token": token, "address": address}, token))
        second.call("open_loop", {"name": "x", "takeover": True})
        for _ in range(2000):
            first.reply()
        second.call("close_loop")


ATTACKS = [lists_without_replies, lists, batches_of_lists, a_thousand_sessions, takeovers, closed_loops, ended_sessions,
           level_polls, half_closed, backlogs_of_the_dead, connects]


# ---- The daemon and its other user ----------------------------------------------------------------------------------


def computed_ns(pid):
    """How long the process has run: its CPU-time clock, as clock_getcpuclockid(3) names it."""
    return time.clock_gettime_ns((~pid << 3) | 2)


class Daemon:
    def __init__(self, build, folder):
        self.path = os.path.join(folder, "s")
        with open(os.path.join(folder, "conf"), "w", encoding="ascii") as file:
            file.write(CONF)
        self.process = subprocess.Popen(
            [os.path.join(build, "minimiod"), "--config", os.path.join(folder, "conf"), "--socket", self.path,
             "--socket-mode", "0666", "--limit", "sessions=3000,sessions_uid=1100"], stderr=subprocess.DEVNULL)
        subprocess.run([os.path.join(build, "minimioctl"), "--socket", self.path, "ping", "--wait", "20s"],
                       check=True, stdout=subprocess.DEVNULL)

    def end(self):
        """Returns the exit status, and how long the daemon has computed after SIGTERM, in ms."""
        before = computed_ns(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)  # its clock goes with the process
        ending_ms = (computed_ns(self.process.pid) - before) / 1e6
        return self.process.wait(), ending_ms


CONF = "[access]\ndescriptors-users = %d\n" % ATTACKER


def become(uid):
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def attack(daemon, function):
    """Starts the attack as a process of the attacker's; returns its pid when it is set up."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read)
            become(ATTACKER)
            function(daemon.path, lambda: os.write(write, b"x"))
        finally:
            os._exit(1)
    os.close(write)
    ready = os.read(read, 1)
    os.close(read)
    if not ready:
        os.waitpid(pid, 0)
        sys.exit("%s: could not be set up" % function.__name__)
    return pid


def ping(daemon, count):
    """The daemon's time between each ping and its reply, in ms, ascending. The client has real-time priority: the daemon
    computes on while a client that has its reply does not run."""
    taken = []
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    os.seteuid(VICTIM)
    client = Client(daemon.path)
    os.seteuid(0)
    client.call("ping")  # until it is accepted, which new clients do one a turn
    for _ in range(count):
        before = computed_ns(daemon.process.pid)
        assert "result" in client.call("ping")
        taken.append((computed_ns(daemon.process.pid) - before) / 1e6)
    client.close()
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return sorted(taken)


def try_attack(build, function, pings):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # other users reach it there
        os.chmod(folder, 0o755)
        daemon = Daemon(build, folder)
        pid = attack(daemon, function)
        taken = ping(daemon, pings)
        slow = Client(daemon.path).call("stats")["result"].get("slow_turns")
        alive = os.waitpid(pid, os.WNOHANG) == (0, 0)
        ended, ending_ms = daemon.end()
        os.kill(pid, signal.SIGKILL) if alive else None
        os.waitpid(pid, 0) if alive else None
    return {"attack": function.__name__, "median_ms": taken[len(taken) // 2], "p99_ms": taken[len(taken) * 99 // 100],
            "worst_ms": taken[-1], "slow_turns": slow, "alive": alive, "daemon": ended, "ending_ms": ending_ms}


def judge(row):
    if not row["alive"]:
        return "the attack ended by itself"
    if row["daemon"] != 0:
        return "the daemon ended with %d" % row["daemon"]
    if row["ending_ms"] > ENDING_MS:
        return "the end took %.0f ms of the daemon's time" % row["ending_ms"]
    if row["p99_ms"] > MOST_MS:
        return "pings waited for %.1f ms of the daemon's time" % row["p99_ms"]
    if row["median_ms"] > MEDIAN_MS:
        return "half of the pings waited for %.1f ms" % row["median_ms"]
    return None


def skip(what):
    print("skipped: needs " + what)
    sys.exit(SKIPPED)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--only")
    parser.add_argument("--pings", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if os.geteuid() != 0:
        skip("root, who can be two other users")
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    except PermissionError:
        skip("real-time scheduling")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < 2 * STREAMS:
        skip("%d descriptors" % (2 * STREAMS))
    failed = 0
    for function in ATTACKS:
        if options.only and function.__name__ != options.only:
            continue
        fault = "untried"
        for _ in range(TRIES):
            row = try_attack(options.build, function, options.pings)
            fault = judge(row)
            if options.json:
                print(json.dumps(row), flush=True)
            else:
                print("%-24s median %6.2f  p99 %6.2f  worst %6.2f  end %6.1f ms  %s"
                      % (row["attack"], row["median_ms"], row["p99_ms"], row["worst_ms"], row["ending_ms"],
                         fault or "ok"), flush=True)
            if not fault:
                break
        failed += fault is not None
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
