#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Workers that share a loop: what an event and its reregister cost the daemon through 16 workers, beside one owner with
as many tokens at a time; how evenly the events are shared; how soon a dead worker's tokens are with others; whether a
token is lost, or held twice, while workers die; and the requests a second of eight workers behind a pool of four
connections, beside four clients with a connection of their own. Loopback only; ends by itself.

usage: bench/workers.py BUILD [seconds of dying, 5 by default]"""
import json
import os
import random
import resource
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = sys.argv[1] if len(sys.argv) > 1 else "build"
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 5.0
WORKERS, AT_ONCE = 16, 16  # workers, and tokens of each at a time
EVENTS, ROUNDS = 40000, 7
CROWD, TOKENS, DEATHS = 200, 10000, 100  # workers, tokens, deaths a second
SERVICE_S, POOL, CLIENTS, POOL_S = 0.005, 4, 8, 2.0
COST_AT_MOST, SPREAD_AT_MOST, LATENCY_AT_MOST_MS, POOL_AT_LEAST = 1.15, 0.05, 10.0, 0.9


class Daemon:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "minimio.sock")
        config = os.path.join(self.folder.name, "minimiod.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write("[limits]\nsessions = 2048\nsessions_uid = 2048\n")
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "minimiod"), "--socket", self.path, "--config", config],
            stderr=subprocess.PIPE, text=True)
        while "listening" not in self.process.stderr.readline():
            pass

    def cpu(self):
        with open(f"/proc/{self.process.pid}/schedstat") as stat:
            return int(stat.read().split()[0]) / 1e9

    def stop(self):
        self.process.terminate()
        assert self.process.wait() == 0
        self.process.stderr.close()
        self.folder.cleanup()


class Session:
    def __init__(self, daemon):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(daemon.path)
        self.bytes = b""
        self.waiting = []  # lines that came before a reply
        self.events = 0

    def send(self, method, request_id=None, **params):
        request = {"jsonrpc": "2.0", "method": method, "params": params}
        if request_id is not None:
            request["id"] = request_id
        self.socket.sendall(json.dumps(request).encode() + b"\n")

    def take_waiting(self):
        lines, self.waiting = self.waiting, []
        return lines

    def lines(self):
        """The lines that wait, or else the whole lines that one read brings."""
        if self.waiting:
            return self.take_waiting()
        data = self.socket.recv(1 << 20)
        assert data, "the daemon has closed a session"
        *lines, self.bytes = (self.bytes + data).split(b"\n")
        return lines

    def call(self, method, **params):
        self.send(method, 1, **params)
        lines, result = [], None
        while result is None:
            lines += self.take_waiting()
            for line in self.lines():
                reply = json.loads(line)
                if reply.get("id") != 1:
                    lines.append(line)
                    continue
                assert "result" in reply, reply
                result = reply["result"]
        self.waiting = lines
        return result

    def reregister(self, tokens, interests=None):
        """As notifications: an answer to each would measure answers."""
        more = "" if interests is None else ',"interests":' + json.dumps(interests)
        self.socket.sendall(b"".join(
            b'{"jsonrpc":"2.0","method":"reregister","params":{"token":%d%s}}\n' % (token, more.encode())
            for token in tokens))

    def close(self):
        self.socket.close()


def tokens_in(lines):
    tokens = []
    for line in lines:
        if line.startswith(b'{"jsonrpc":"2.0","method":"ready"'):
            tokens += [event["token"] for event in json.loads(line)["params"]["events"]]
    return tokens


def register(session, count):
    """`count` connections that are always ready to be written to. Returns the peers."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
    peers = []
    for token in range(count):
        session.send("register", token, token=token, address=f"127.0.0.1:{listener.getsockname()[1]}",
                     interests=["writable"])
        if token % 100 == 99 or token == count - 1:
            peers += [listener.accept()[0] for _ in range(len(peers), token + 1)]
            session.call("ping")
            session.take_waiting()
    listener.close()
    return peers


# ---- What an event costs, and how events are shared ------------------------------------------------------------------


def spin(daemon, sessions):
    """Answers events with reregisters until EVENTS have come. Returns seconds of the daemon an event."""
    selector = selectors.DefaultSelector()
    for session in sessions:
        session.events = 0
        selector.register(session.socket, selectors.EVENT_READ, session)
    for session in sessions:
        session.reregister(tokens_in(session.take_waiting()))
    began, count = daemon.cpu(), 0
    while count < EVENTS:
        for key, _ in selector.select():
            tokens = tokens_in(key.data.lines())
            key.data.events += len(tokens)
            count += len(tokens)
            key.data.reregister(tokens)
    cost = (daemon.cpu() - began) / count
    selector.close()
    return cost


def open_sessions(daemon, name, role, count, tokens):
    sessions = [Session(daemon) for _ in range(count)]
    for session in sessions:
        more = {"prefetch": AT_ONCE} if role == "worker" else {}
        session.call("open_loop", name=name, role=role, **more)
    guest = Session(daemon)
    guest.call("open_loop", name=name, role="guest")
    return sessions, guest, register(guest, tokens)


def measure_sharing(daemon):
    """The cost is that of workers with all their leases; the spread is that of workers with half of them, as the daemon
    chooses among workers that wait."""
    owner, _, owner_peers = open_sessions(daemon, "owned", "owner", 1, AT_ONCE)
    full, _, full_peers = open_sessions(daemon, "full", "worker", WORKERS, WORKERS * AT_ONCE)
    half, _, half_peers = open_sessions(daemon, "half", "worker", WORKERS, WORKERS * 2)
    ratios, counts = [], [0] * WORKERS
    for sessions in owner, full, half:
        spin(daemon, sessions)
    for _ in range(ROUNDS):
        alone = spin(daemon, owner)
        ratios.append(spin(daemon, full) / alone)
        spin(daemon, half)
        counts = [count + worker.events for count, worker in zip(counts, half)]
    del owner_peers, full_peers, half_peers
    for session in owner + full + half:
        session.close()
    return statistics.median(ratios), (max(counts) - min(counts)) / statistics.mean(counts) / 2


# ---- A dead worker's tokens ------------------------------------------------------------------------------------------


def worker_process(daemon, name, tokens):
    """A process that takes `tokens` events and says so, then sleeps until killed."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        session = Session(daemon)
        session.call("open_loop", name=name, role="worker", prefetch=tokens)
        held = 0
        while held < tokens:
            held += len(tokens_in(session.lines()))
        os.write(write_end, b"x")
        signal.pause()
    os.close(write_end)
    return pid, read_end


def measure_death(daemon):
    """Milliseconds from the end of a killed process to the last of its tokens at another worker."""
    guest = Session(daemon)
    guest.call("open_loop", name="dying", role="guest")
    peers = register(guest, AT_ONCE)
    times = []
    for _ in range(ROUNDS * 3):
        pid, told = worker_process(daemon, "dying", AT_ONCE)
        os.read(told, 1)
        os.close(told)
        heir = Session(daemon)
        heir.call("open_loop", name="dying", role="worker", prefetch=AT_ONCE)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        began, tokens = time.perf_counter(), []
        while len(tokens) < AT_ONCE:
            tokens += tokens_in(heir.lines())
        times.append((time.perf_counter() - began) * 1e3)
        heir.close()
    del peers
    return statistics.median(times), max(times)


class Crowd:
    """Workers that come and die, and who holds which token as far as the workers know."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.selector = selectors.DefaultSelector()
        self.holder, self.told = {}, set()
        self.workers = []
        self.twice = 0

    def add(self):
        worker = Session(self.daemon)
        worker.send("open_loop", 1, name="crowd", role="worker", prefetch=4)
        self.workers.append(worker)
        self.selector.register(worker.socket, selectors.EVENT_READ, worker)

    def kill(self, worker):
        self.selector.unregister(worker.socket)
        self.workers.remove(worker)
        worker.close()
        for token in [token for token, holder in self.holder.items() if holder is worker]:
            del self.holder[token]

    def serve(self, timeout):
        for key, _ in self.selector.select(timeout):
            worker = key.data
            tokens = tokens_in(worker.lines())
            self.twice += sum(token in self.holder for token in tokens)
            self.told.update(tokens)
            for token in tokens:
                self.holder[token] = worker
            done = [token for token in tokens if random.random() < 0.9]
            for token in done:
                del self.holder[token]
            worker.reregister(done)


def measure_deaths(daemon):
    """Returns how often a token was with two workers, how many tokens were lost, and the number of deaths."""
    guest = Session(daemon)
    guest.call("open_loop", name="crowd", role="guest")
    peers = register(guest, TOKENS)
    crowd, deaths = Crowd(daemon), 0
    for _ in range(CROWD):
        crowd.add()
    began = time.monotonic()
    while time.monotonic() - began < SECONDS:
        crowd.serve(0.01)
        while deaths < (time.monotonic() - began) * DEATHS:
            crowd.kill(random.choice(crowd.workers))
            crowd.add()
            deaths += 1
    for worker in list(crowd.workers):  # what the others hold comes back with their ends
        crowd.kill(worker)
    crowd.add()
    crowd.told.clear()
    until = time.monotonic() + 60
    while len(crowd.told) < TOKENS and time.monotonic() < until:
        for key, _ in crowd.selector.select(1):
            tokens = tokens_in(key.data.lines())
            crowd.told.update(tokens)
            key.data.reregister(tokens)
    lost = TOKENS - len(crowd.told)
    crowd.kill(crowd.workers[0])
    del peers
    guest.call("close_loop")
    return crowd.twice, lost, deaths


# ---- A pool ----------------------------------------------------------------------------------------------------------


def serve_requests(listener, count):
    """Answers a byte with a byte, SERVICE_S later: a process a connection, as databases have it."""
    for _ in range(count):
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if os.fork() == 0:
            while connection.recv(1):
                time.sleep(SERVICE_S)
                connection.send(b"x")
            os._exit(0)
        connection.close()


def count_requests(clients, make_client):
    """Requests a second of so many processes."""
    read_end, write_end = os.pipe()
    pids = []
    for _ in range(clients):
        pid = os.fork()
        if pid == 0:
            request, count = make_client(), 0
            until = time.monotonic() + POOL_S
            while time.monotonic() < until:
                request()
                count += 1
            os.write(write_end, b"%d\n" % count)
            os._exit(0)
        pids.append(pid)
    os.close(write_end)
    for pid in pids:
        os.waitpid(pid, 0)
    with os.fdopen(read_end) as file:
        return sum(int(line) for line in file) / POOL_S


def direct_client(address):
    connection = socket.create_connection(address)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request():
        connection.send(b"x")
        assert connection.recv(1)
    return request


def pool_client(daemon):
    """Checks a connection out, and returns it with the poll for the next. A descriptor is taken once, and kept."""
    session, descriptors = Session(daemon), {}
    session.call("open_loop", name="pool", role="worker")
    session.send("poll", 2, max=1)

    def checked_out():
        while True:
            for line in session.lines():
                reply = json.loads(line)
                if reply.get("id") == 2:
                    return reply["result"]["events"][0]["token"]

    def take(token):
        session.send("take", 3, token=token, keep=True)
        _, fds, _, _ = socket.recv_fds(session.socket, 4096, 1)
        return socket.socket(fileno=fds[0])

    def request():
        token = checked_out()
        if token not in descriptors:
            descriptors[token] = take(token)
            descriptors[token].setblocking(True)
        descriptors[token].send(b"x")
        assert descriptors[token].recv(1)
        session.socket.sendall(
            b'{"jsonrpc":"2.0","method":"reregister","params":{"token":%d,"interests":["writable"]}}\n'
            b'{"jsonrpc":"2.0","id":2,"method":"poll","params":{"max":1}}\n' % token)
    return request


def measure_pool(daemon):
    listener = socket.create_server(("127.0.0.1", 0))
    server = os.fork()
    if server == 0:
        serve_requests(listener, POOL * (1 + 3 * 1))
        os._exit(0)
    address = listener.getsockname()
    guest = Session(daemon)
    guest.call("open_loop", name="pool", role="guest", delivery="poll")
    for token in range(POOL):
        guest.call("register", token=token, address=f"127.0.0.1:{address[1]}", interests=["writable"])
    ratios = []
    for _ in range(3):
        own = count_requests(POOL, lambda: direct_client(address))
        ratios.append(count_requests(CLIENTS, lambda: pool_client(daemon)) / own)
    guest.call("close_loop")
    listener.close()
    os.waitpid(server, 0)
    return statistics.median(ratios)


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    daemon, wrong = Daemon(), []

    def check(holds, text):
        print(text, flush=True)
        if not holds:
            wrong.append(text)

    cost, spread = measure_sharing(daemon)
    check(cost <= COST_AT_MOST, f"an event and its reregister through {WORKERS} workers: {cost:.2f} of an owner's CPU"
                                f" (at most {COST_AT_MOST})")
    check(spread <= SPREAD_AT_MOST, f"events of {WORKERS} workers: within {spread:.1%} of even"
                                    f" (at most {SPREAD_AT_MOST:.0%})")
    median, worst = measure_death(daemon)
    check(median <= LATENCY_AT_MOST_MS, f"a killed worker's tokens at another: {median:.1f} ms, worst {worst:.1f} ms"
                                        f" (median at most {LATENCY_AT_MOST_MS:.0f} ms)")
    twice, lost, deaths = measure_deaths(daemon)
    check(twice == 0 and lost == 0, f"{TOKENS} tokens, {CROWD} workers, {deaths} deaths in {SECONDS:.0f} s: {lost} lost,"
                                    f" {twice} held by two")
    pool = measure_pool(daemon)
    check(pool >= POOL_AT_LEAST, f"{CLIENTS} workers behind a pool of {POOL}: {pool:.2f} of the requests of {POOL} clients"
                                 f" (at least {POOL_AT_LEAST}), {SERVICE_S * 1e3:.0f} ms each")
    daemon.stop()
    sys.exit(1 if wrong else 0)


main()
