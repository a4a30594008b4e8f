# SPDX-License-Identifier: MIT
"""What several sessions of the same loops do, one request at a time, and what their peers do meanwhile."""
import os
import time

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

import shared_calls as ask
from calls import Stats
from history import History
from model import check
from peers import Hole, Port
from roles import Session, World
from wire import Patience, wait_readable

SESSIONS = 4
WHO = st.integers(0, SESSIONS - 1)
TOKENS = st.integers(0, 3)
OF_THOSE = st.integers(0, 5)  # registered ones first: see `registered`
INTERESTS = st.sampled_from((["readable"], ["readable"], ["writable"], ["readable", "writable"], []))
MODES = st.sampled_from(("oneshot", "oneshot", "oneshot", "oneshot", "edge"))
NAMES = st.sampled_from(("x", "x", "x", "y"))
ROLES = st.sampled_from(("owner", "guest", "worker", "worker", "worker"))
SELDOM = st.sampled_from((None, None, None, True))
WRITTEN = b"to the peer"
LONG_MS = 1000000


class SharedMachine(History, RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.world = World()
        self.port, self.hole = Port(), Hole()
        self.peers = []
        self.sent = 0
        self.sessions = self.world.sessions
        self.sessions += [Session(self.daemon.path, self.world) for _ in range(SESSIONS)]

    # ---- Who acts on what

    def registered(self, session, which):
        """A token that is registered, most of the time; None: what is told of it now may cross with the request."""
        loop = session.loop
        tokens = sorted([*loop.registrations, *loop.connecting]) if loop else []
        token = tokens[which] if which < len(tokens) else which % 4
        return None if self.may_cross(session, token) else token

    @staticmethod
    def may_cross(session, token):
        loop = session.loop
        return bool(loop and loop.is_open(token) and any(loop.can_get(one) for one in loop.members if one is not session))

    def pick_peer(self, which):
        living = [one for one in self.peers if one.is_open]
        return living[which % len(living)] if living else None

    # ---- Loops

    @initialize(roles=st.tuples(*[ROLES] * SESSIONS), delivery=st.sampled_from((None, None, "poll")),
                prefetch=st.sampled_from((None, 2)), interests=st.lists(INTERESTS, max_size=3))
    def begin(self, roles, delivery, prefetch, interests):
        """Most histories are of workers that have something to do."""
        for session, role in zip(self.sessions, roles):
            session.perform(ask.OpenLoop(session, "x", role, delivery=delivery,
                                         prefetch=prefetch if role == "worker" else None))
        for token, wanted in enumerate(interests):
            self.adopt(0, token, wanted, "oneshot", True)

    @rule(who=WHO, name=NAMES, role=ROLES, prefetch=st.sampled_from((None, None, 2, 256)), takeover=SELDOM,
          wait_ms=st.sampled_from((None, 0, LONG_MS, LONG_MS)), create=st.sampled_from((None, None, True, False)),
          delivery=st.sampled_from((None, None, None, "push", "poll")),
          linger_ms=st.sampled_from((None, None, None, 0, 600000)))
    def open_loop(self, who, name, role, takeover, prefetch, wait_ms, create, delivery, linger_ms):
        session = self.sessions[who]
        session.perform(ask.OpenLoop(session, name, role, prefetch=prefetch if role == "worker" else None,
                                     takeover=takeover if role != "guest" else None, wait_ms=wait_ms, create=create,
                                     delivery=delivery, linger_ms=linger_ms))

    @rule(who=WHO, role=ROLES, waits=st.booleans())
    def join(self, who, role, waits):
        """As most do."""
        session = self.sessions[who]
        session.perform(ask.OpenLoop(session, "x", role, wait_ms=LONG_MS if waits else None))

    @rule(who=WHO, name=st.none() | NAMES, role=ROLES, prefetch=SELDOM, takeover=SELDOM)
    def open_loop_perhaps_wrongly(self, who, name, role, prefetch, takeover):
        session = self.sessions[who]
        session.perform(ask.OpenLoop(session, name, role, prefetch=prefetch and 3, takeover=takeover))

    @rule(who=WHO)
    def close_loop(self, who):
        session = self.sessions[who]
        session.perform(ask.CloseLoop(session))

    @rule(who=WHO, role=st.none() | ROLES)
    def die(self, who, role):
        """And come back, perhaps."""
        self.sessions[who].die()
        self.await_counts(sessions=SESSIONS)
        self.world.settle()
        if role:
            self.join(who, role, False)

    @rule(who=WHO)
    def loops(self, who):
        session = self.sessions[who]
        session.perform(ask.Loops(session))

    @rule(who=WHO)
    def list(self, who):
        session = self.sessions[who]
        session.perform(ask.List(session))

    # ---- Registering

    @rule(who=WHO, token=TOKENS, interests=INTERESTS, mode=MODES, early=st.booleans())
    def adopt(self, who, token, interests, mode, early):
        session = self.sessions[who]
        near, peer = self.port.make_pair()
        self.peers.append(peer)
        if early:
            self.send_from(peer)
        session.perform(ask.Adopt(session, token, near, peer, interests, mode))

    @rule(who=WHO, token=TOKENS, interests=INTERESTS, mode=MODES, ensure=st.booleans())
    def connect(self, who, token, interests, mode, ensure):
        self.connect_as(self.sessions[who], token, interests, mode, ensure)

    @rule(who=WHO, which=OF_THOSE, interests=INTERESTS, finishes=st.booleans())
    def ensure_what_is_there(self, who, which, interests, finishes):
        """Whose peer has ended it, perhaps, and that may have been told."""
        session = self.sessions[who]
        registrations = session.loop.registrations if session.loop else {}
        tokens = sorted(token for token, one in registrations.items() if one.address)
        if not tokens:
            return
        token = tokens[which % len(tokens)]
        if finishes:
            self.finish(registrations[token].stream.owner)
        self.connect_as(session, token, interests, "oneshot", True)

    def connect_as(self, session, token, interests, mode, ensure):
        if self.may_cross(session, token):
            return
        request = session.ask(ask.Connect(session, token, self.port, interests, mode, ensure))
        deadline = Patience.deadline()
        while not request.answered:
            ready = wait_readable([session.wire, self.port.socket], deadline)
            check(ready, "a connection that is not answered")
            if self.port.socket in ready:
                self.peers.append(self.port.accept())
            if session.wire in ready:
                session.read_some()
        if request.peer and request.peer not in self.peers:
            self.peers.append(request.peer)
        self.world.settle()

    @rule(who=WHO, token=TOKENS, ensure=st.sampled_from((None, True, True)))
    def connect_nowhere(self, who, token, ensure):
        session = self.sessions[who]
        session.perform(ask.ConnectNowhere(session, token, self.hole, ensure))

    @rule(who=WHO, which=st.integers(0, 3))
    def cancel(self, who, which):
        session = self.sessions[who]
        request = session.waiting[which] if which < len(session.waiting) else None
        session.perform(ask.Cancel(session, request))

    # ---- Requests about a token

    def ask_of_token(self, who, which, make):
        session = self.sessions[who]
        token = self.registered(session, which)
        if token is not None:
            session.perform(make(session, token))

    @rule(who=WHO, which=OF_THOSE, interests=st.none() | INTERESTS, mode=st.none() | MODES)
    def reregister(self, who, which, interests, mode):
        self.ask_of_token(who, which, lambda session, token: ask.Reregister(session, token, interests, mode))

    @rule(who=WHO, which=OF_THOSE)
    def give_back(self, who, which):
        """Ends a lease of its own, if there is one."""
        session = self.sessions[who]
        held = [token for token, one in session.loop.holders.items() if one is session] if session.loop else []
        if held:
            session.perform(ask.Reregister(session, held[which % len(held)], None, None))

    @rule(who=WHO, which=OF_THOSE)
    def deregister(self, who, which):
        self.ask_of_token(who, which, ask.Deregister)

    @rule(who=WHO, which=OF_THOSE, keep=st.sampled_from((None, True, True)))
    def take(self, who, which, keep):
        self.ask_of_token(who, which, lambda session, token: ask.Take(session, token, keep))
        for session in self.sessions:
            while session.taken:
                near, peer = session.taken.pop()
                os.close(near)
                peer.stream.near_closed()

    @rule(who=WHO, which=OF_THOSE, peek=st.booleans())
    def read(self, who, which, peek):
        self.ask_of_token(who, which, lambda session, token: ask.Read(session, token, 4096, "auto", peek))

    @rule(who=WHO, which=OF_THOSE)
    def write(self, who, which):
        self.ask_of_token(who, which, lambda session, token: ask.Write(session, token, WRITTEN))

    @rule(who=WHO, which=OF_THOSE)
    def shut_down(self, who, which):
        self.ask_of_token(who, which, lambda session, token: ask.Shutdown(session, token, "write"))

    # ---- Events

    @rule(who=WHO, timeout_ms=st.sampled_from((None, None, 0)), most=st.sampled_from((None, 1, 2)))
    def poll(self, who, timeout_ms, most):
        session = self.sessions[who]
        if session.has_poll():
            return
        request = session.ask(ask.Poll(session, timeout_ms, most))
        session.drain_replies()
        if timeout_ms == 0:
            session.pump(lambda: request.answered)
        self.world.settle()

    @rule(which=st.integers(0, 7))
    def peer_sends(self, which):
        self.send_from(self.pick_peer(which))
        self.world.settle()

    @rule(which=st.integers(0, 7))
    def peer_finishes(self, which):
        self.finish(self.pick_peer(which))

    def finish(self, peer):
        if peer and peer.is_open and not (peer.broken or peer.stream.finished or peer.stream.closed):
            peer.finish()
        self.world.settle()

    @rule(which=st.integers(0, 7))
    def peer_resets(self, which):
        peer = self.pick_peer(which)
        if peer:
            peer.reset()
        self.world.settle()

    @rule(which=st.integers(0, 7))
    def peer_drains(self, which):
        peer = self.pick_peer(which)
        if peer:
            peer.drain()

    def send_from(self, peer):
        if peer and not (peer.broken or peer.stream.finished or peer.stream.closed):
            self.sent += 1
            peer.send(b"%06d" % self.sent)

    # ---- The daemon

    @rule(role=ROLES)
    def hand_over(self, role):
        """Another binary takes over: what has a name is there as if all sessions had died."""
        for session in self.sessions:
            session.parting = True
            for one in session.waiting:
                one.due = "LOOP_CLOSED"
        self.daemon.hand_over()
        for session in self.sessions:
            session.part()
        self.world.expired.clear()
        self.await_counts(sessions=SESSIONS)
        self.join(0, role, False)

    # ---- The end

    def wind_up(self):
        self.world.settle()
        for session in self.sessions:
            session.perform(ask.List(session))
            if session.waiting_open:
                session.perform(ask.Cancel(session, session.waiting_open))
        for session in self.sessions:
            if session.loop:
                session.perform(ask.CloseLoop(session))
        first = self.sessions[0]
        for name in list(self.world.loops):
            first.perform(ask.OpenLoop(first, name, "worker" if self.is_shareable(name) else "owner"))
            first.perform(ask.CloseLoop(first))
        for peer in self.peers:
            peer.drain()
        self.await_counts(sessions=SESSIONS, loops=0, registrations=0, leases=0)

    def is_shareable(self, name):
        return all(one.mode == "oneshot" for one in self.world.loops[name].registrations.values())

    def await_counts(self, **wanted):
        """Sessions of clients that died end on the daemon's next turns: each request makes one."""
        session, deadline = self.sessions[0], Patience.deadline()
        while True:
            request = session.ask(Stats(session))
            session.drain_replies()
            counts = {name: request.result[name] for name in wanted}
            if counts == wanted:
                return
            check(time.monotonic() < deadline, "left behind:", counts, "not", wanted)

    def clean_up(self):
        for session in self.sessions:
            session.wire.close()
        for peer in self.peers:
            peer.socket.close()
        self.port.close()
        self.hole.close()
