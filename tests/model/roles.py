# SPDX-License-Identifier: MIT
"""Several sessions in a loop: who may be told what, who holds what, and what those who leave have left. Each session
asks when all that has to be told was told, so no two lines of different sessions can have crossed."""
from client import Client
from model import Loop, check
from wire import Patience, Violation, wait_readable


class SharedLoop(Loop):
    def __init__(self, world, name=None):
        super().__init__(name)
        self.world = world
        self.members = []
        self.holders = {}  # token: the worker that it is leased to
        self.cleared = {}  # token: the interests that its holder has cleared by a take, and that come back without it
        self.again = {}  # token: whether its next event is a redelivery; None: nobody knows; absent: it is not
        self.connecting = {}  # token: the registers that wait for its outcome, the first one's connect

    # ---- Members

    def consumers(self):
        return [one for one in self.members if one.role != "guest"]

    @property
    def owner(self):
        return next((one for one in self.members if one.role == "owner"), None)

    def workers(self):
        return [one for one in self.members if one.role == "worker"]

    def free_leases(self, worker):
        return worker.prefetch - list(self.holders.values()).count(worker)

    def can_get(self, session):
        """Whether the session can be told of another token."""
        if session.role == "guest" or (self.delivery == "poll" and not session.has_poll()):
            return False
        return session.role == "owner" or self.free_leases(session) > 0

    def enter(self, session, role, prefetch):
        is_first = role != "guest" and not self.consumers()
        session.role, session.prefetch, session.loop = role, prefetch, self
        self.members.append(session)
        for token in self.registrations if is_first else ():
            self.arm(token)

    def leave(self, session):
        """What it held is armed again, and its next event says so. What it may have been told of without having read
        that, nobody knows."""
        may_have_been_told = session.role == "worker" and self.can_get(session)
        for token in [*self.registrations] if may_have_been_told else ():
            if self.is_open(token) and token not in self.again:
                self.again[token] = None
        self.members.remove(session)
        for token in [token for token, holder in self.holders.items() if holder is session]:
            del self.holders[token]
            self.again[token] = True
            self.registrations[token].interests = self.cleared.pop(token, self.registrations[token].interests)
            self.arm(token)
        for request in [one for requests in self.connecting.values() for one in requests]:
            if request.client is session:
                self.end_connect(request)

    def end_connect(self, request):
        """A connect goes on for the others that wait for it."""
        waiting = self.connecting.get(request.token, [])
        if request in waiting:
            waiting.remove(request)
        if not waiting:
            self.connecting.pop(request.token, None)

    def outlives_members(self):
        return bool(self.members) or bool(self.name and self.linger_ms)

    # ---- Leases

    def is_leased_to_another(self, token, session):
        return self.holders.get(token, session) is not session

    def end_lease(self, token):
        for those in (self.holders, self.cleared, self.again):
            those.pop(token, None)

    def remove(self, token):
        self.end_lease(token)
        return super().remove(token)

    def is_open(self, token):
        """Whether an event of the token can come at any moment, or be on its way."""
        one = self.registrations.get(token)
        return bool(one and one.armed and one.possible and token not in self.holders)

    # ---- Events

    def tell(self, events, client):
        check(client in self.members and client.role != "guest", "events for a", client.role, events)
        free = self.free_leases(client) if client.role == "worker" else len(events)
        check(len(events) <= free, events, "for a worker that may have", free, "more")
        super().tell(events, client)

    def tell_one(self, token, flags, client):
        check(token not in self.holders, "an event of the token", token, "which is leased")
        mark, is_again = self.again.get(token, False), "redelivered" in flags
        check(mark is None or mark == is_again, token, "redelivered:", is_again, "and not", mark)
        self.again.pop(token, None)
        if client.role == "worker":
            self.holders[token] = client
            if is_again:
                self.again[token] = True
        super().tell_one(token, flags - {"redelivered"}, client)

    def owed(self):
        return {token: flags for token, flags in super().owed().items() if token not in self.holders}

    def is_due(self):
        """Whether somebody has to be told something."""
        return bool(self.owed()) and any(self.can_get(one) for one in self.members)


class Session(Client):
    """Of which several may be in a loop."""

    def __init__(self, path, world):
        self.world = world
        super().__init__(path, world.loops)

    def begin(self):
        super().begin()
        self.waiting_open = None
        self.put_out = None  # why it is about to lose its loop
        SharedLoop(self.world).enter(self, "owner", 1)

    def take_notification(self, message):
        if message["method"] == "ready" or self.parting:
            super().take_notification(message)
            return
        reason = {"loop_detached": "takeover", "loop_closed": "closed"}.get(message["method"])
        check(reason and reason == self.put_out, "told", message, "and not", self.put_out)
        check(message["params"] == {"loop": self.loop.name, "reason": reason}, message)
        check(not self.calls(), "put out before what waits was answered")
        self.loop.leave(self)
        self.loop = self.put_out = None

    def perform(self, request):
        """Asks, and reads what that brings to everybody."""
        request.begins()
        self.ask(request)
        request.told()
        self.drain_replies()
        self.world.settle()
        return request

    def calls(self):
        """What waits in the loop."""
        return [one for one in self.waiting if one is not self.waiting_open]

    def lose_calls(self):
        for one in self.calls():
            one.due = "LOOP_CLOSED"

    def leave(self):
        """Leaves its loop, as one that disconnects does."""
        loop, self.loop = self.loop, None
        if not loop:
            return
        loop.leave(self)
        if not loop.outlives_members():
            self.world.forget(loop)

    def die(self):
        if self.waiting_open:
            self.world.entering.remove(self.waiting_open)
        self.restart()


class World:
    """All loops of all sessions."""

    def __init__(self):
        self.loops = {}
        self.sessions = []
        self.entering = []  # open_loop calls that wait, in the order of asking
        # Names of loops that have lingered out (True) or were closed (None). Of other names nobody knows what the daemon
        # remembers of earlier histories.
        self.expired = {}

    def forget(self, loop):
        """A loop that its last session has left, and that does not linger."""
        if self.loops.pop(loop.name, None):
            self.expired[loop.name] = True
        loop.close()

    def read_all(self):
        """Reads of everybody until all that is due was told; who enters does so in the order of asking."""
        deadline = Patience.deadline()
        while True:
            self.let_enter()
            for session in self.sessions:
                session.take_lines()
            waits = [one for one in self.sessions if any(call.due for call in one.waiting)]
            if not waits and not any(one.is_due() for one in self.loops_of_all()):
                return
            if not wait_readable([one.wire for one in self.sessions], deadline):
                owed = [(loop.name, loop.owed()) for loop in self.loops_of_all()]
                raise Violation(f"awaited in vain: {owed}, {[str(call) for one in waits for call in one.waiting]}")
            for session in self.sessions:
                session.read_some()

    def loops_of_all(self):
        anonymous = [one.loop for one in self.sessions if one.loop and not one.loop.name]
        return [*self.loops.values(), *anonymous]

    def let_enter(self):
        while request := next((one for one in self.entering if not one.is_busy()), None):
            request.turn_comes()
            self.entering.remove(request)
            request.client.pump(lambda request=request: request.answered)

    def settle(self):
        """All that has to be told was told, and nothing else is."""
        self.read_all()
        for session in self.sessions:
            session.ping()
        self.read_all()
