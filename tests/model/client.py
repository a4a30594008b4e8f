# SPDX-License-Identifier: MIT
"""A client, and what it knows: each line that it reads is judged by the state that the lines before it have left."""
from collections import deque

from model import Loop, check
from calls import List, Ping, Poll, close_descriptors
from wire import Patience, Violation, Wire, wait_readable

UNREAD_MOST = 150  # requests that nobody has read the replies of: with more, the daemon would wait for us, and we for it


class Client:
    def __init__(self, path, loops):
        self.path = path
        self.loops = loops  # named ones, of all clients
        self.taken = []  # descriptors that came back, with their peers
        self.number = 0
        self.begin()

    def begin(self):
        self.wire = Wire(self.path)
        self.loop = Loop()
        self.loop.holder = self
        self.queue = deque()  # asked and not answered, in order
        self.waiting = []  # polls and registers under way
        self.arrays = []  # batches that have such in them
        self.half = False  # it will say no more
        self.losing = False  # its loop was taken over, and it has not read so yet
        self.parting = False  # the daemon takes leave of it
        self.was_told = False  # and has said so

    # ---- Asking

    def ask(self, *requests):
        """Says a request, or a batch of them, and goes on."""
        if len(self.queue) > UNREAD_MOST:
            self.drain_replies()
        messages = []
        for request in requests:
            self.number += 1
            messages.append(request.message(self.number))
        descriptors = [one for request in requests for one in request.descriptors]
        self.wire.say(messages if len(requests) > 1 else messages[0], descriptors)
        for request in requests:
            close_descriptors(request)
        self.queue.append(requests)
        self.advance()
        return requests[0]

    def advance(self):
        """What waits does so from when all before it is answered."""
        while self.queue and not self.losing and any(one.waits for one in self.queue[0]):
            group = self.queue[0]
            if not all(one.failed is None and one.reached() for one in group if one.waits):
                return
            self.queue.popleft()
            if len(group) > 1:
                self.arrays.append(group)
            else:
                self.waiting += group

    def has_queued(self, method, token):
        return any(one.method == method and one.params.get("token") == token for group in self.queue for one in group)

    def is_leaving(self):
        """Whether what waits may be told that the loop is closed."""
        return self.losing or self.parting or any(one.method in ("close_loop", "open_loop") for group in self.queue for one in group)

    def has_poll(self):
        return any(isinstance(one, Poll) for one in [*self.waiting, *(one for group in self.queue for one in group)])

    # ---- Reading

    def pump(self, until):
        """Reads until something is so."""
        deadline = Patience.deadline()
        while not until():
            if not self.wire.lines and not self.wire.ended:
                if not wait_readable([self.wire], deadline):
                    owed = self.loop.owed() if self.loop else {}
                    raise Violation(f"awaited in vain: {[str(one) for group in self.queue for one in group]}, {owed}")
                self.wire.receive()
            self.take_lines(until)
            if self.wire.ended and not self.wire.lines and not until():
                raise Violation("the daemon ended the session")

    def take_lines(self, until=lambda: False):
        while self.wire.lines and not until():
            self.take(self.wire.lines.pop(0))

    def read_some(self):
        """Reads what is there, however much that is."""
        if wait_readable([self.wire], 0):
            self.wire.receive()
            self.take_lines()
            if self.wire.ended:
                check(self.half, "the daemon ended the session")
                self.end()

    def take(self, message):
        check(not (self.parting and self.was_told), "more than the loop's end:", message)
        if isinstance(message, list):
            self.take_array(message)
        elif "method" in message:
            self.take_notification(message)
        else:
            self.take_reply(message)
        self.advance()

    def take_reply(self, reply):
        for request in self.waiting:
            if request.id == reply["id"]:
                self.waiting.remove(request)
                request.answer(reply)
                return
        check(self.queue and len(self.queue[0]) == 1, "a reply that nobody waits for:", reply)
        request = self.queue[0][0]
        check(request.id == reply["id"], "a reply out of order:", reply, "before that of", request)
        request.answer(reply)
        self.queue.popleft()

    def take_array(self, replies):
        ids = [one["id"] for one in replies]
        group = next((one for one in [*self.arrays, *self.queue] if [each.id for each in one] == ids), None)
        check(group in self.arrays or (group and group is self.queue[0]), "an array out of order:", replies)
        for request, reply in zip(group, replies):
            request.answer(reply)
        (self.arrays if group in self.arrays else self.queue).remove(group)

    def take_notification(self, message):
        if message["method"] == "ready":
            check(self.loop and self.loop.delivery == "push", "events for nobody:", message)
            self.loop.tell(message["params"]["events"], self)
        elif message["method"] == "loop_detached":
            check(self.losing and not self.waiting, "detached", message, "while", self.waiting, "waits")
            check(message["params"] == {"loop": self.loop.name, "reason": "takeover"}, message)
            self.forget_past()
        elif message["method"] == "loop_closed":
            check(self.parting and not self.waiting and not self.arrays, "closed", message, "while", self.waiting, "waits")
            check(message["params"] == {"loop": self.loop and self.loop.name, "reason": "shutdown"}, message)
            self.was_told = True
        else:
            raise Violation(f"an unknown notification: {message}")

    # ---- Loops

    def lose_loop(self):
        """Another session is about to take the loop over; what was told of it before has still to be read."""
        loop = self.loop
        self.loop = loop.taken_over()
        self.losing = True
        loop.connecting.clear()
        loop.holder = None

    def forget_past(self):
        for one in self.loop.registrations.values():
            one.forget()
        self.loop = None
        self.losing = False

    def leave(self):
        """Leaves its loop, as one who disconnects does."""
        loop, self.loop = self.loop, None
        if not loop:
            return
        loop.holder = None
        loop.connecting.clear()
        loop.cancelled.clear()
        if loop.name and loop.linger_ms:
            return
        self.loops.pop(loop.name, None)
        loop.close()

    # ---- Settling

    def drain_replies(self):
        """Reads until all that needs no waiting is answered; events that come meanwhile are judged."""
        self.pump(lambda: not self.queue)

    def ping(self):
        self.ask(Ping(self))
        self.drain_replies()

    def catch_up(self):
        """Knows all that was written for it, and whether its session is still there."""
        if self.half:
            self.settle_half()
        else:
            self.drain_replies()

    def settle(self):
        """Reads all that has to be told, and sees that nothing else is."""
        if self.half:
            self.settle_half()
            return
        self.ping()
        if self.losing:
            self.pump(lambda: not self.losing)
        if self.loop and self.loop.delivery == "poll":
            self.poll_all()
        elif self.loop:
            self.pump(lambda: not self.loop.owed())
        self.ping()

    def poll_all(self):
        while self.loop.owed() or (self.has_poll() and self.waiting_poll().timeout_ms is not None):
            if not self.has_poll():
                self.ask(Poll(self, int(Patience.seconds * 1000), None))
            self.pump(lambda: not self.has_poll())
        if not self.has_poll():
            self.ask(Poll(self, 0, None))
            self.pump(lambda: not self.has_poll())

    def waiting_poll(self):
        return next(one for one in self.waiting if isinstance(one, Poll))

    def settle_half(self):
        """A client that says no more has all that it is owed, and its session ends when nothing can come any more."""
        self.drain_replies()
        if self.losing:
            self.pump(lambda: not self.losing)
        if self.loop and self.loop.delivery == "push":
            self.pump(lambda: not self.loop.owed() or self.wire.ended)
        elif self.loop and self.has_poll() and self.loop.owed():
            self.pump(lambda: not self.has_poll())
        if self.has_poll() and self.waiting_poll().timeout_ms is not None:
            self.pump(lambda: not self.has_poll())
        if not self.can_be_told():
            self.pump(lambda: self.wire.ended)
        if self.wire.ended:
            self.take_lines()
            self.end()

    def can_be_told(self):
        return bool(self.queue or self.waiting or self.arrays or (self.loop and self.loop.can_speak()))

    def end(self):
        check(not self.can_be_told(), "the session of a client that says no more has ended too early")
        check(not self.wire.pending, "a line without an end")
        self.restart()

    def compare(self):
        """Where all was told, and only there."""
        if self.loop and not self.half and not self.losing:
            self.ask(List(self, settled=True))
            self.drain_replies()

    # ---- Dying

    def die(self):
        """Closes without reading. What it had asked for is carried out all the same."""
        if any(not one.is_certain for group in self.queue for one in group):
            self.drain_replies()
        if self.losing:
            self.forget_past()  # all that is not answered was asked after that
        for group in self.queue:
            for request in group:
                request.carried_out()
        self.restart()

    def part(self):
        """Reads to the end of a session that the daemon ends: what waits has an answer, and the loop's end is last."""
        self.pump(lambda: self.wire.ended and not self.wire.lines)
        check(self.was_told and not self.wire.pending, "the daemon ended the session and did not say so")
        self.restart()

    def restart(self):
        if self.losing:
            self.forget_past()
        self.leave()
        self.wire.close()
        self.begin()
