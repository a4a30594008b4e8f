# SPDX-License-Identifier: MIT
"""What clients and peers do, in any order; the model says at each line whether it had to, may or must not come."""
import os
import time

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

import calls as ask
from client import Client
from history import History
from peers import Hole, Port
from model import check
from wire import Patience, wait_readable

TOKENS = st.integers(0, 3)
OF_THOSE = st.integers(0, 5)  # registered ones first: see `registered`
WHO = st.integers(0, 1)
INTERESTS = st.sampled_from((["readable"], ["writable"], ["readable", "writable"], []))
MODES = st.sampled_from(("oneshot", "edge", "level"))
DELIVERIES = st.sampled_from((None, "push", "poll"))
NAMES = ("x", "y")
FILL_BYTES = 30000
HELLOS = 120  # their replies are more than a session's unread output may be
WRITTEN = b"to the peer"


class Machine(History, RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.loops = {}
        self.port, self.hole = Port(), Hole()
        self.peers = []
        self.handed_back = []  # near ends that are here
        self.sent = self.short = 0
        self.clients = [Client(self.daemon.path, self.loops) for _ in range(2)]
        for client in self.clients:
            client.taken = self.handed_back

    # ---- Who acts on what

    def client(self, who):
        return self.clients[who]

    def speaker(self, who):
        """A client that can still ask: this one, the other, or this one begun anew."""
        for client in (self.clients[who], self.clients[1 - who]):
            if not client.half:
                return client
        self.clients[who].settle_half()
        if self.clients[who].half:
            self.clients[who].die()
        return self.clients[who]

    @staticmethod
    def registered(client, which):
        """A token that is registered, most of the time."""
        tokens = sorted(client.loop.registrations) if client.loop else []
        return tokens[which] if which < len(tokens) else which % 4

    def pick_peer(self, which):
        living = [one for one in self.peers if one.is_open]
        return living[which % len(living)] if living else None

    def data(self):
        self.sent += 1
        return b"%06d" % self.sent

    @initialize(deliveries=st.tuples(DELIVERIES, DELIVERIES), named=st.booleans())
    def begin(self, deliveries, named):
        for who, delivery in enumerate(deliveries):
            self.open_loop(who, NAMES[who] if named else None, delivery, False, None)

    # ---- Registering

    def near_end(self, small, again):
        if again and self.handed_back:
            return self.handed_back.pop(0)
        near, peer = self.port.make_pair(small)
        self.peers.append(peer)
        return near, peer

    def adoption(self, client, token, interests, mode, small, again, early):
        near, peer = self.near_end(small, again)
        if early and peer.is_open and not peer.stream.finished:
            self.send_from(peer)
        return ask.Adopt(client, token, near, peer, interests, mode)

    @rule(who=WHO, token=TOKENS, interests=INTERESTS, mode=MODES, small=st.booleans(), again=st.booleans(),
          early=st.booleans())
    def adopt(self, who, token, interests, mode, small, again, early):
        client = self.speaker(who)
        client.ask(self.adoption(client, token, interests, mode, small, again, early))

    @rule(who=WHO, token=TOKENS, interests=INTERESTS, mode=MODES, early=st.booleans())
    def connect(self, who, token, interests, mode, early):
        client = self.speaker(who)
        request = client.ask(ask.Connect(client, token, self.port, interests, mode))
        deadline = Patience.deadline()
        while not request.answered:
            ready = wait_readable([client.wire, self.port.socket], deadline)
            check(ready, "a connection that is not answered")
            if self.port.socket in ready:
                self.accept(early)
            if client.wire in ready:
                client.read_some()
        if request.peer and request.peer not in self.peers:
            self.peers.append(request.peer)

    def accept(self, early):
        peer = self.port.accept()
        self.peers.append(peer)
        if early:
            self.send_from(peer)

    @rule(who=WHO, token=TOKENS, interests=INTERESTS, mode=MODES)
    def connect_nowhere(self, who, token, interests, mode):
        client = self.speaker(who)
        client.ask(ask.ConnectNowhere(client, token, self.hole, interests, mode))

    # ---- Requests about a token

    @rule(who=WHO, which=OF_THOSE, interests=st.none() | INTERESTS, mode=st.none() | MODES)
    def reregister(self, who, which, interests, mode):
        client = self.speaker(who)
        client.ask(ask.Reregister(client, self.registered(client, which), interests, mode))

    @rule(who=WHO, which=OF_THOSE)
    def reregister_as_it_was(self, who, which):
        client = self.speaker(who)
        client.ask(ask.Reregister(client, self.registered(client, which), None, None))

    @rule(who=WHO, which=OF_THOSE)
    def deregister(self, who, which):
        client = self.speaker(who)
        client.ask(ask.Deregister(client, self.registered(client, which)))

    @rule(who=WHO, which=OF_THOSE, keep=st.sampled_from((None, False, True)))
    def take(self, who, which, keep):
        client = self.speaker(who)
        client.ask(ask.Take(client, self.registered(client, which), keep))

    @rule(who=WHO, which=OF_THOSE, most=st.sampled_from((1, 6, 4096, 4096)),
          encoding=st.sampled_from(("auto", "base64")), peek=st.booleans())
    def read(self, who, which, most, encoding, peek):
        client = self.speaker(who)
        client.ask(ask.Read(client, self.registered(client, which), most, encoding, peek))

    @rule(who=WHO, which=OF_THOSE)
    def write(self, who, which):
        client = self.speaker(who)
        client.ask(ask.Write(client, self.registered(client, which), WRITTEN))

    @rule(who=WHO, which=OF_THOSE)
    def fill(self, who, which):
        """Writes until the kernel takes no more, if its buffers are small."""
        client = self.speaker(who)
        for _ in range(3):
            client.ask(ask.Write(client, self.registered(client, which), b"#" * FILL_BYTES))
            client.drain_replies()

    @rule(who=WHO, which=OF_THOSE, how=st.sampled_from(("read", "write", "both")))
    def shut_down(self, who, which, how):
        client = self.speaker(who)
        client.ask(ask.Shutdown(client, self.registered(client, which), how))
        client.drain_replies()  # what a peer sends to a stream that is shut both ways resets it

    # ---- Other requests

    @rule(who=WHO, timeout_ms=st.sampled_from((None, 0, 5)), most=st.sampled_from((None, 1, 2)))
    def poll(self, who, timeout_ms, most):
        client = self.speaker(who)
        if not client.has_poll():
            client.ask(ask.Poll(client, timeout_ms, most))

    @rule(who=WHO)
    def list(self, who):
        client = self.speaker(who)
        client.ask(ask.List(client))

    @rule(who=WHO)
    def ask_for_more_than_is_read(self, who):
        client = self.speaker(who)
        for _ in range(HELLOS):
            client.ask(ask.Hello(client))

    @rule(who=WHO, tokens=st.tuples(TOKENS, TOKENS, TOKENS), interests=INTERESTS, mode=MODES, early=st.booleans(),
          kinds=st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)))
    def batch(self, who, tokens, interests, mode, early, kinds):
        client = self.speaker(who)
        makers = (
            lambda token: self.adoption(client, token, interests, mode, False, False, early),
            lambda token: ask.Reregister(client, token, interests, mode),
            lambda token: ask.Deregister(client, token),
            lambda token: ask.Read(client, token, 4096, "auto", False),
            lambda token: ask.Ping(client),
        )
        client.drain_replies()  # a token that is connecting would be cancelled within the array
        tokens = [token for token in tokens if not client.loop or token not in client.loop.connecting]
        batch = [makers[kind](token) for kind, token in zip(kinds, tokens)]
        if len(batch) > 1:
            client.ask(*batch)
        else:
            for request in batch:
                client.ask(request)

    @rule(who=WHO, interests=INTERESTS, mode=MODES)
    def batch_that_waits(self, who, interests, mode):
        """Until the array no event of what is registered in it is told."""
        client = self.speaker(who)
        client.drain_replies()
        free = [token for token in range(4) if client.loop and not client.loop.has(token)]
        if len(free) < 2 or client.losing or (mode == "level" and client.loop.delivery == "push"):
            return
        adopted = self.adoption(client, free[0], interests, mode, False, False, True)
        nowhere = ask.ConnectNowhere(client, free[1], self.hole, interests, mode)
        client.ask(adopted, nowhere)
        client.ping()
        client.ask(ask.Deregister(client, free[1]))
        client.drain_replies()

    # ---- Loops

    @rule(who=WHO, name=st.sampled_from((None, *NAMES)), delivery=DELIVERIES, takeover=st.booleans(),
          linger_ms=st.sampled_from((None, 0, 60000)))
    def open_loop(self, who, name, delivery, takeover, linger_ms):
        client = self.speaker(who)
        for other in self.clients:
            if other.half:
                other.settle_half()
            if not other.half:
                other.ping()  # what waits does so by now
                if other.losing:
                    other.pump(lambda: not other.losing)
        client.ask(ask.OpenLoop(client, name, delivery, takeover, linger_ms))
        client.drain_replies()

    @rule(who=WHO)
    def close_loop(self, who):
        client = self.speaker(who)
        client.ask(ask.CloseLoop(client))

    @rule(who=WHO)
    def die(self, who):
        self.client(who).die()

    @rule(who=WHO, name=st.sampled_from(NAMES), takeover=st.booleans(), busy=st.booleans())
    def die_and_come_back(self, who, name, takeover, busy):
        """To where it was, if that has a name: nobody is there any more, however much it had asked for."""
        client = self.client(who)
        if client.loop and not client.losing:
            name = client.loop.name or name
        if busy and not client.half:
            self.ask_for_more_than_is_read(who)
        client.die()
        self.open_loop(who, name, None, takeover, None)

    @rule(who=WHO)
    def half_close(self, who):
        client = self.client(who)
        if not client.half:
            if client.waiting:
                client.ping()
            client.wire.finish()
            client.half = True

    @rule(interests=INTERESTS)
    def linger_runs_out(self, interests):
        client = self.speaker(0)
        client.die()
        self.short += 1
        name = f"short{self.short}"
        client.ask(ask.OpenLoop(client, name, linger_ms=20))
        client.drain_replies()
        request = self.adoption(client, 0, interests, "oneshot", False, False, False)
        client.ask(request)
        client.drain_replies()
        client.die()
        self.loops.pop(name).close()
        request.peer.drain()
        client.ask(ask.OpenLoop(client, name, linger_ms=0))
        client.drain_replies()

    # ---- The daemon

    @rule()
    def reload(self):
        """Its settings are as they were: nobody notices."""
        self.daemon.reload()

    @rule()
    def hand_over(self):
        """Another binary takes over, the same one: what has a name is there as if its client had died."""
        for client in self.clients:
            if client.half:
                client.settle_half()
            if not client.half:
                client.ping()  # one that was not accepted yet would be the next binary's
            if client.losing:
                client.pump(lambda client=client: not client.losing)
        for client in self.clients:
            client.parting = True
        self.daemon.hand_over()
        for client in self.clients:
            client.part()

    # ---- Peers

    def send_from(self, peer):
        stream = peer.stream
        if not (peer.broken or stream.finished or (stream.read_shut and stream.write_shut)):
            peer.send(self.data())

    @rule(which=st.integers(0, 7))
    def peer_sends(self, which):
        peer = self.pick_peer(which)
        if peer and not peer.stream.closed:
            self.send_from(peer)

    @rule(which=st.integers(0, 7))
    def peer_finishes(self, which):
        peer = self.pick_peer(which)
        if peer and not (peer.broken or peer.stream.finished or peer.stream.closed):
            peer.finish()

    @rule(which=st.integers(0, 7))
    def peer_resets(self, which):
        peer = self.pick_peer(which)
        if peer:
            peer.reset()

    @rule(which=st.integers(0, 7))
    def peer_closes(self, which):
        peer = self.pick_peer(which)
        if peer:
            peer.close()

    @rule(which=st.integers(0, 7))
    def peer_drains(self, which):
        peer = self.pick_peer(which)
        for client in self.clients:
            client.catch_up()
        if peer and peer.is_open:
            peer.drain()

    # ---- Reading

    @rule(who=WHO)
    def read_some(self, who):
        self.client(who).read_some()

    @rule(who=WHO)
    def settle(self, who):
        client = self.client(who)
        client.settle()
        client.compare()

    @rule(who=WHO)
    def settle_edges(self, who):
        """Once all that was sent has arrived and was told, nothing is told again."""
        client = self.speaker(who)
        client.settle()
        registrations = client.loop.registrations if client.loop else {}
        for token in registrations:
            client.ask(ask.Read(client, token, 32768, "auto", True))
        client.settle()
        for one in registrations.values():
            one.settled()

    # ---- The end

    def wind_up(self):
        for client in self.clients:
            client.settle()
            client.compare()
        for client in self.clients:
            if client.half:
                client.die()
            if client.loop:
                client.ask(ask.CloseLoop(client))
            client.settle()
        first = self.clients[0]
        for name in list(self.loops):
            first.ask(ask.OpenLoop(first, name))
            first.settle()
            first.compare()
            first.ask(ask.CloseLoop(first))
            first.settle()
        for near, peer in self.handed_back:
            self.use_handed_back(near, peer)
        for peer in self.peers:
            peer.drain()
        self.await_counts(sessions=2, loops=0, registrations=0)

    @staticmethod
    def use_handed_back(near, peer):
        """A stream that came back is as it was."""
        stream = peer.stream
        if peer.is_open and not (stream.full or stream.write_shut or "error" in stream.may()):
            stream.was_written(WRITTEN, os.write(near, WRITTEN))

    def await_counts(self, **wanted):
        """Sessions of clients that died end on the daemon's next turns: each request makes one."""
        client, deadline = self.clients[0], Patience.deadline()
        while True:
            request = client.ask(ask.Stats(client))
            client.drain_replies()
            counts = {name: request.result[name] for name in wanted}
            if counts == wanted:
                return
            check(time.monotonic() < deadline, "left behind:", counts, "not", wanted)

    def clean_up(self):
        for client in self.clients:
            client.wire.close()
        for near, _ in self.handed_back:
            os.close(near)
        for peer in self.peers:
            peer.socket.close()
        self.port.close()
        self.hole.close()
