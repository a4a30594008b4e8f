#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many clients and peers that do anything and die at any moment, in waves. After each wave all is as it was before the
first: sessions, loops and registrations, the daemon's descriptors, and its processor time, which stands still; and its
memory is what it was after the first. Every request of a client that lives to read its replies is answered.

usage: MINIMIO_BUILD=BUILD tests/model/soak.py
MINIMIO_SOAK_S: for how long, 5; MINIMIO_TEST_SEED=N: the same choices again."""
import os
import random
import resource
import socket
import struct
import sys
import time

from daemon import Daemon
from peers import Hole
from wire import Patience, Violation, Wire, wait_readable

SECONDS = float(os.environ.get("MINIMIO_SOAK_S", "5"))
WAVES_LEAST = 4
WAVE_S = 15
CLIENTS = 40
TOKENS = 50  # a client's: together more than what the daemon gives memory back after
PEERS_MOST = 3000
UNANSWERED_MOST = 60  # more would make the daemon wait for this client, and this client for the daemon
NAMES = ["soak%d" % i for i in range(8)]
WORK = "work"  # a loop that workers share
QUIET_MS = 500
QUIET_CPU_MS = 5
QUIET_TRIES = 3
MEMORY_SLACK_KIB = 1536  # the daemon keeps that of up to 1,024 sessions and registrations
MEMORY_SLACK = 1.15
RESET = struct.pack("ii", 1, 0)
# Each is at fault before its LF, so that the request behind it is one.
GARBAGE = (b"}{\n", b'{"jsonrpc":"2.0"]\n', b"\x01\n", b"[]", b'"x"\n', b'{"a":1,"a":2}\n', b"[[[[[[}\n", b"\xff\xfe\n")


class Client:
    def __init__(self, path, chance):
        self.path, self.chance = path, chance
        self.answered = 0
        self.begin()

    def begin(self):
        self.wire = Wire(self.path)
        self.number = 0
        self.unanswered = set()
        self.ending = False
        self.told = []  # tokens of events that it has not acted on

    def ask(self, method, descriptors=(), **params):
        self.number += 1
        self.unanswered.add(self.number)
        self.wire.say({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}, descriptors)

    def read(self):
        self.wire.receive()
        for line in self.wire.lines:
            for message in line if isinstance(line, list) else [line]:
                self.take(message)
        self.wire.lines.clear()
        while self.wire.descriptors:
            os.close(self.wire.descriptors.pop())

    def take(self, message):
        number = message.get("id")
        if number is None:
            self.take_notification(message)
            return
        if number not in self.unanswered:
            raise Violation(f"an answer to nothing: {message}")
        self.unanswered.remove(number)
        self.answered += 1

    def take_notification(self, message):
        if message.get("method") == "ready":
            self.told += [event["token"] for event in message["params"]["events"]]

    def read_some(self):
        while not self.wire.ended and wait_readable([self.wire], 0):
            self.read()
        if self.wire.ended:
            if not self.ending:
                raise Violation("the daemon ended the session")
            self.restart()

    def await_answers(self, most=0):
        """Nothing that was asked stays unanswered, but for what waits."""
        deadline = Patience.deadline()
        while len(self.unanswered) > most and not self.wire.ended:
            if not wait_readable([self.wire], deadline):
                raise Violation(f"{len(self.unanswered)} requests are not answered")
            self.read()

    def settle(self):
        """Ends all that waits, and has every answer."""
        if not self.ending:
            self.ask("close_loop")
        self.await_answers()
        if self.unanswered:
            raise Violation(f"the session ended with {len(self.unanswered)} requests unanswered")

    def restart(self):
        self.wire.close()
        self.begin()


class Soak:
    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.daemon = Daemon()
        self.hole = Hole()
        self.server = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.address = "127.0.0.1:%d" % self.server.getsockname()[1]
        self.control = Client(self.daemon.path, self.chance)
        self.clients = []
        self.peers = []
        self.deaths = self.answers = 0
        self.actions = [
            (self.register, 30), (self.adopt, 15), (self.of_token, 40), (self.peer_acts, 60), (self.poll, 6),
            (self.open_loop, 5), (self.read, 30), (self.die, 1), (self.finish, 1), (self.garbage, 2),
            (self.batch, 4), (self.close_loop, 1), (self.connect_nowhere, 1), (self.join, 3), (self.work, 20),
            (self.wait_for_loop, 1), (self.cancel, 1), (self.ensure, 5), (self.die_at_work, 1),
        ]

    # ---- What clients do

    def token(self):
        return self.chance.randrange(TOKENS)

    def interests(self):
        return self.chance.choice((["readable"], ["readable"], ["writable"], ["readable", "writable"], []))

    def mode(self):
        return self.chance.choice(("oneshot", "oneshot", "edge", "level"))

    def register(self, client):
        client.ask("register", token=self.token(), address=self.address, interests=self.interests(), mode=self.mode())

    def connect_nowhere(self, client):
        client.ask("register", token=self.token(), address=self.hole.address, timeout_ms=self.chance.randrange(2000))

    def adopt(self, client):
        near, far = socket.socketpair()
        self.peers.append(far)
        client.ask("register", [near.fileno()], token=self.token(), fd=True, interests=self.interests(),
                   mode=self.mode())
        near.close()

    def of_token(self, client):
        method = self.chance.choice(("reregister", "reregister", "read", "read", "write", "deregister", "shutdown", "take"))
        more = {"write": {"data": "x" * self.chance.choice((1, 100, 20000))}, "shutdown": {"how": "both"}}
        client.ask(method, token=self.token(), **more.get(method, {}))

    def poll(self, client):
        client.ask("poll", timeout_ms=self.chance.randrange(300))

    def open_loop(self, client):
        client.ask("close_loop")
        client.ask("open_loop", name=self.chance.choice(NAMES), delivery=self.chance.choice(("push", "poll")),
                   takeover=self.chance.random() < 0.7, linger_ms=self.chance.choice((0, 10, 600000)))

    def join(self, client):
        """Most come as workers of one loop; guests and an owner disturb them."""
        role = self.chance.choice(("worker", "worker", "worker", "guest", "owner"))
        more = {"prefetch": self.chance.choice((1, 5, 256))} if role == "worker" else {}
        client.ask("close_loop")
        client.ask("open_loop", name=WORK, role=role, **more)

    def work(self, client):
        """Does what it was told of, and gives it back: most of it, at times."""
        told, client.told = client.told, []
        for token in told:
            client.ask("read", token=token)
            client.ask(self.chance.choice(("reregister", "reregister", "reregister", "deregister")), token=token)

    def wait_for_loop(self, client):
        client.ask("close_loop")
        client.ask("open_loop", name=self.chance.choice((*NAMES, WORK)), role=self.chance.choice(("owner", "worker")),
                   wait_ms=self.chance.choice((1, 50, 2000)), create=self.chance.random() < 0.8)

    def cancel(self, client):
        client.ask("cancel", id=self.chance.choice((0, *client.unanswered)))

    def ensure(self, client):
        client.ask("register", token=self.token(), address=self.chance.choice((self.address, self.hole.address)),
                   timeout_ms=500, ensure=True, interests=self.interests())

    def die_at_work(self, client):
        """With what it holds, if it is a worker."""
        client.ask("open_loop", name=WORK, role="worker", prefetch=256, takeover=True)
        client.await_answers(UNANSWERED_MOST)
        self.die(client)

    def close_loop(self, client):
        client.ask("close_loop")
        client.ask("open_loop")

    def batch(self, client):
        batch = []
        for method in ("ping", "list", "loops", "hello"):
            client.number += 1
            client.unanswered.add(client.number)
            batch.append({"jsonrpc": "2.0", "id": client.number, "method": method})
        client.wire.say(batch)

    def garbage(self, client):
        client.wire.socket.sendall(self.chance.choice(GARBAGE))

    def read(self, client):
        client.read_some()

    def die(self, client):
        """Without a word, whatever is under way."""
        self.deaths += 1
        client.restart()

    def finish(self, client):
        client.wire.finish()
        client.ending = True

    # ---- What peers do

    def accept_all(self):
        while wait_readable([self.server], 0):
            self.peers.append(self.server.accept()[0])

    def peer_acts(self, _):
        if not self.peers:
            return
        which = self.chance.randrange(len(self.peers))
        peer, act = self.peers[which], self.chance.random()
        try:
            if act < 0.6:
                peer.send(b"y" * self.chance.choice((1, 10, 5000)), socket.MSG_DONTWAIT)
            elif act < 0.8:
                peer.recv(65536, socket.MSG_DONTWAIT)
            elif act < 0.85:
                peer.shutdown(socket.SHUT_WR)
            else:
                self.end_peer(which, act < 0.9)
        except OSError:
            pass  # the near end is gone, or the buffers are full or empty

    def end_peer(self, which, reset):
        self.peers[which], self.peers[-1] = self.peers[-1], self.peers[which]
        peer = self.peers.pop()
        if reset and peer.family == socket.AF_INET:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        peer.close()

    # ---- A wave

    def step(self):
        client = self.chance.choice(self.clients)
        if client.ending or len(client.unanswered) > UNANSWERED_MOST:
            client.read_some()
            if client.ending and self.chance.random() < 0.02:
                self.die(client)
            if len(client.unanswered) > UNANSWERED_MOST:
                client.await_answers(UNANSWERED_MOST)
            return
        actions, weights = zip(*self.actions)
        self.chance.choices(actions, weights)[0](client)
        self.accept_all()
        while len(self.peers) > PEERS_MOST:
            self.end_peer(0, False)

    def wave(self, until):
        self.clients = [Client(self.daemon.path, self.chance) for _ in range(CLIENTS)]
        self.fill()
        while time.monotonic() < until:
            self.step()
        self.end_wave()

    def fill(self):
        """Every client has all its tokens once, so that each wave has the same peak."""
        for client in self.clients:
            for token in range(TOKENS):
                client.ask("register", token=token, address=self.address, interests=["readable"])
                self.accept_all()
            client.await_answers()

    def end_wave(self):
        for client in self.clients:
            if self.chance.random() < 0.5:
                client.settle()
            self.answers += client.answered
            client.wire.close()
        # What those that died had asked for is carried out first, and may open a loop once more.
        self.await_nothing("sessions whose clients are gone", lambda: self.counts()["sessions"], 1)
        for name in (*NAMES, WORK):
            self.control.ask("open_loop", name=name, takeover=True)
            self.control.ask("close_loop")
        self.control.ask("open_loop")
        self.control.await_answers()
        self.accept_all()
        for peer in self.peers:
            self.await_end(peer)
        self.peers.clear()

    @staticmethod
    def await_end(peer):
        deadline = Patience.deadline()
        try:
            while True:
                if not wait_readable([peer], deadline):
                    raise Violation("a stream is still open whose loop is gone")
                if not peer.recv(65536):
                    break
        except ConnectionError:
            pass
        peer.close()

    # ---- What it leaves

    def counts(self):
        wire = self.control.wire
        wire.say({"jsonrpc": "2.0", "id": 0, "method": "stats"})
        deadline = Patience.deadline()
        while not wire.lines:
            if not wait_readable([wire], deadline):
                raise Violation("stats is not answered")
            wire.receive()
        result = wire.lines.pop(0)["result"]
        return {name: result[name] for name in ("sessions", "loops", "registrations", "leases")}

    def await_nothing(self, what, look, wanted):
        """Each look is a request, and so a turn of the daemon."""
        deadline = Patience.deadline()
        while (seen := look()) != wanted:
            if time.monotonic() > deadline:
                raise Violation(f"{what}: {seen}, and before it was {wanted}")

    def descriptors(self):
        self.counts()
        return self.daemon.descriptors()

    def quiet_cpu_ms(self):
        """The best of some tries: memory of a peak is given back once, and a busy machine makes the same work longer."""
        for _ in range(QUIET_TRIES):
            cpu_ms = self.quiet_try_ms()
            if cpu_ms <= QUIET_CPU_MS:
                break
        return cpu_ms

    def quiet_try_ms(self):
        """Processor time while nothing is asked, but for a connect that times out."""
        self.control.ask("register", token=1, address=self.hole.address, timeout_ms=QUIET_MS)
        before = self.daemon.cpu_ns()
        self.control.await_answers()
        return (self.daemon.cpu_ns() - before) / 1e6

    def look(self):
        """Descriptors that it has kept for a while, such as a resolver's, are there from the first look on."""
        cpu_ms = self.quiet_cpu_ms()
        return self.counts(), self.descriptors(), self.daemon.private_kib(), cpu_ms

    def compare(self, before):
        self.await_nothing("counts", self.counts, before[0])
        self.await_nothing("descriptors", self.descriptors, before[1])
        after = self.look()
        if after[3] > QUIET_CPU_MS:
            raise Violation(f"{after[3]:.1f} ms of processor time in {QUIET_MS} ms of nothing")
        return after

    def run(self):
        before = self.look()
        length = min(WAVE_S, SECONDS / WAVES_LEAST)
        end, number, first = time.monotonic() + SECONDS, 0, None
        while time.monotonic() < end or number < 2:
            number += 1
            self.wave(time.monotonic() + length)
            after = self.compare(before)
            first = first or after
            print(f"wave {number}: {self.answers} answers, {self.deaths} deaths; left: {after[0]}, {after[1]} descriptors,"
                  f" {after[2]} KiB, {after[3]:.2f} ms of processor time in {QUIET_MS} ms", flush=True)
        if not self.daemon.has_sanitizer() and after[2] > first[2] * MEMORY_SLACK + MEMORY_SLACK_KIB:
            raise Violation(f"{after[2]} KiB after {number} waves, {first[2]} KiB after the first")
        return before

    def close(self):
        for one in [*self.peers, self.server, self.hole]:
            one.close()
        self.control.wire.close()


def main():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    seed = int(os.environ.get("MINIMIO_TEST_SEED") or random.SystemRandom().randrange(1 << 31))
    print(f"MINIMIO_TEST_SEED={seed}", flush=True)
    soak = Soak(seed)
    try:
        soak.run()
        soak.close()
        if status := soak.daemon.stop():
            raise Violation(f"the daemon ended with {status}")
    except (Violation, OSError) as failure:
        print(f"MINIMIO_TEST_SEED={seed}: {failure}\n{soak.daemon.said()}", file=sys.stderr)
        return 1
    finally:
        soak.daemon.discard()
    return 0


sys.exit(main())
