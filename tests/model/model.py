# SPDX-License-Identifier: MIT
"""What the daemon must tell of a stream, what it may tell, and what it must not. No sockets and no clock here.

What a peer does takes effect at the daemon's end a little later. So there are three degrees of truth: what can be true
(`may`) may be told from the moment a peer acts; what will be true (`must`) has to be told in the end; and only what a
reply or an event has shown to be true already (`surely`) has to be told by the very next event.
"""
from wire import Violation

READ, WRITE = "readable", "writable"
CLOSED = frozenset(("read_closed", "write_closed", "error"))
RESET_FLAGS = frozenset((READ, WRITE)) | CLOSED
RESET_ERRORS = ("ECONNRESET", "EPIPE")

# How many events of an edge registration one thing that happens may bring at most: the kernel may tell a segment, the
# end behind it, and the change of state apart.
SEGMENT, END = 1, 3


def check(truth, *what):
    if not truth:
        raise Violation(" ".join(str(one) for one in what))


class Stream:
    """One TCP connection, as its peer's deeds and the daemon's replies have made it."""

    def __init__(self, owner=None):
        self.owner = owner
        self.unread = b""  # sent by the peer, and not read by a client of the daemon
        self.arrived = 0  # so much of it a reply has shown to be there
        self.undelivered = b""  # written by a client, and not received by the peer
        self.finished = False  # the peer will send no more
        self.peer_gone = False  # the peer has closed: who writes to it is reset
        self.reset = False
        self.reset_possible = False
        self.read_shut = self.write_shut = False
        self.full = False  # a write was cut short
        self.was_filled = False  # something was written: when its room is free again, nobody knows
        self.closed = False  # the near end is closed, or will be
        self.seen = set()  # closed flags that were told
        self.events = 0  # how many of an edge all that has happened can bring
        self.watchers = []

    def may(self):
        flags = {WRITE}
        ended = self.finished or self.read_shut
        if self.unread or ended:
            flags.add(READ)
        if ended:
            flags.add("read_closed")
        if self.write_shut and ended:
            flags.add("write_closed")
        if self.reset or self.reset_possible:
            flags |= RESET_FLAGS
        return flags

    def must(self):
        flags = set()
        ended = self.finished or self.read_shut or self.reset
        if self.unread or ended:
            flags.add(READ)
        if not self.full:
            flags.add(WRITE)
        if ended:
            flags.add("read_closed")
        if self.reset:
            flags.add("write_closed")
        return flags

    def surely(self):
        flags = self.seen - {"error"}  # who reads the error takes it away
        if self.arrived or "read_closed" in self.seen:
            flags = flags | {READ}
        return flags

    def happened(self, events, flags):
        self.events += events
        for one in self.watchers:
            one.caused(events, flags)

    # What the peer does and sees.

    def peer_sent(self, data):
        self.unread += data
        self.happened(SEGMENT, {READ})

    def peer_finished(self):
        self.finished = True
        self.happened(END, {READ, "read_closed"})

    def peer_reset(self):
        over = self.finished and self.write_shut  # there may be nothing left that could be reset
        self.finished = self.peer_gone = True
        if over:
            self.reset_possible = True
        else:
            self.reset = True
        self.happened(END, set() if over else {READ, "read_closed", "write_closed"})

    def peer_closed(self):
        self.peer_gone = True
        if self.undelivered:
            self.peer_reset()
        elif not self.finished:
            self.peer_finished()

    def peer_received(self, data):
        check(self.undelivered.startswith(data), "a peer received", data, "of", self.undelivered[:100])
        self.undelivered = self.undelivered[len(data) :]
        if not self.undelivered:
            self.full = False

    def peer_saw_end(self):
        check(self.write_shut or self.closed, "a peer saw the end of a stream that is open")
        check(not self.undelivered, "a peer saw the end before", self.undelivered[:100])

    def peer_saw_reset(self):
        check(self.closed or self.reset_possible, "a peer saw a stream reset that is open")

    def is_due_to_peer(self):
        return bool(self.undelivered) or self.write_shut or self.closed

    def due_to_peer(self):
        return self.undelivered[:100] or "the end"

    # What a client of the daemon does.

    def was_read(self, result, most, peek):
        data, count, eof, error = result
        check(len(data) == count <= most, "read", result)
        check(self.unread.startswith(data), "read", data, "of", self.unread[:100])
        check(count >= min(self.arrived, most), "read only", data, "of", self.unread[: self.arrived])
        if eof:
            check(not count and (self.finished or self.read_shut or self.reset_possible), "a false end")
            lost = self.reset and not self.arrived  # what a reset has overtaken
            check(self.read_shut or not self.unread or lost or self.reset_possible, "the end before", self.unread[:100])
            self.seen.add("read_closed")
        if error:
            check(eof and error in RESET_ERRORS and (self.reset or self.reset_possible), "ended by", error)
        if peek:
            self.arrived = max(self.arrived, count)
        else:
            self.unread = self.unread[count:]
            self.arrived = max(self.arrived - count, 0)
            if count:
                for one in self.watchers:
                    one.was_read()

    def was_written(self, data, count):
        check(0 <= count <= len(data), "written", count, "of", len(data))
        check(not self.write_shut, "written after a shutdown")
        self.undelivered += data[:count]
        self.was_filled |= count > 0
        if count and self.peer_gone:
            self.peer_reset()
        if count < len(data):
            self.full = True
            self.happened(3, {WRITE})
        else:
            self.happened(1, set())  # small buffers may be full for a moment

    def was_shut(self, how):
        self.read_shut |= how in ("read", "both")
        self.write_shut |= how in ("write", "both")
        if self.read_shut and self.write_shut and len(self.unread) > self.arrived:
            self.reset_possible = True  # bytes that arrive at a socket shut both ways do that
        self.happened(END, {READ, "read_closed"} if self.read_shut else set())

    def may_fail(self, what, error):
        """Whether a `write` or `shutdown` may fail so; who is told an error has taken it away."""
        was_reset = (self.reset or self.reset_possible) and error in RESET_ERRORS
        if what == "write":
            return was_reset or (self.write_shut and error == "EPIPE")
        return error == "ENOTCONN" and (self.reset or self.reset_possible or (self.finished and self.write_shut))

    def can_have_ended(self):
        """Whether `ensure` may find it ended."""
        return self.reset or self.reset_possible or self.write_shut or (self.finished and not self.unread)

    def has_surely_ended(self):
        return self.write_shut or "write_closed" in self.seen or ("read_closed" in self.seen and not self.unread)

    def near_closed(self):
        self.closed = True
        self.watchers = []


class Registration:
    """A token's registration, as the lines that its client has read so far have left it."""

    def __init__(self, stream, interests, mode):
        self.stream = stream
        self.address = None  # as it was given; None: adopted
        self.interests, self.mode = frozenset(interests), mode
        self.past = False  # its loop was taken over, and what was told before is still being read
        self.once = True
        self.armed = False
        self.ends_told = set()  # without interests: what has been told since it was armed
        self.over = False  # both directions have ended, and that was told since it was armed
        self.possible = set()  # flags that can have come true since it was armed, or since it was last told
        self.due = set()  # those of an edge that have to be told
        self.certain = set()
        self.told = False  # a level token, since anything happened
        self.credit = stream.events  # how many events of an edge can still have a cause
        stream.watchers.append(self)

    def mask(self, flags):
        return set(flags) & (self.interests | CLOSED) - self.ends_told

    def arm(self, polled):
        """`polled`: its loop is one of poll delivery; level is a oneshot elsewhere."""
        self.once = bool(self.interests) and (self.mode == "oneshot" or (self.mode == "level" and not polled))
        self.armed = True
        self.ends_told = set()
        self.over = False
        self.due = self.mask(self.stream.must())
        self.ask()
        self.credit += bool(self.possible)

    def ask(self):
        """The kernel is asked what is ready now, whatever it was before."""
        self.told = False
        self.possible = self.mask(self.stream.may())
        self.certain = self.mask(self.stream.surely())

    @property
    def is_level(self):
        return bool(self.interests) and self.mode == "level" and not self.once

    def caused(self, events, flags):
        self.possible |= self.mask(self.stream.may())
        self.due |= self.mask(flags)
        self.credit += events
        self.told = False

    def was_read(self):
        if not self.stream.arrived:
            self.certain.discard(READ)

    def owed(self):
        """What has to be told yet."""
        if not self.armed or self.told:
            return set()
        wanted = self.mask(self.stream.must())
        return self.due & wanted if self.is_edge else wanted

    @property
    def is_edge(self):
        return bool(self.interests) and self.mode == "edge"

    def tell_ends(self, flags):
        """Without interests: each of the ends once, and an error that follows them."""
        self.ends_told |= flags
        self.possible -= flags
        self.certain = set()
        self.armed = not self.ends_told >= {"read_closed", "write_closed"}

    def tell(self, flags):
        check(flags, "an event without a flag")
        check(self.armed or not self.interests, "told", flags, "though nothing is armed")
        check(flags <= self.possible, "told", flags, "of which only", self.possible, "can be true")
        if not self.past:
            check(self.certain <= flags, "told", flags, "without what is known to be true:", self.certain)
            self.stream.seen |= flags & CLOSED
        if not self.interests:
            self.tell_ends(flags)
            return
        if self.is_edge:
            self.credit -= 1
            check(self.credit >= 0, "told", flags, "again, though nothing has happened")
            self.due -= flags
            self.possible = self.mask(self.stream.may())
        self.armed = not self.once
        self.over |= flags >= {"read_closed", "write_closed"}
        self.told = self.is_level
        self.certain = set()

    def settled(self):
        """All that has happened has arrived, and was told: another event needs another cause. That the peer has the end
        of what was written is one, and comes when it comes."""
        stream = self.stream
        has_ended = stream.may() & CLOSED or stream.write_shut
        if stream.arrived == len(stream.unread) and not (has_ended or stream.was_filled):
            self.credit = 0

    def forget(self):
        if self in self.stream.watchers:
            self.stream.watchers.remove(self)

    def copy_of_the_past(self):
        copy = Registration(self.stream, self.interests, self.mode)
        copy.past, copy.once, copy.armed, copy.told = True, self.once, self.armed, self.told
        copy.possible, copy.credit = set(self.possible), self.credit
        copy.ends_told = set(self.ends_told)
        return copy


class Loop:
    """A loop and what is registered in it, whoever is in it."""

    def __init__(self, name=None):
        self.name = name
        self.delivery = "push"
        self.linger_ms = 600000
        self.holder = None
        self.registrations = {}
        self.connecting = set()
        self.cancelled = set()

    def count(self):
        return len(self.registrations) + len(self.connecting)

    def has(self, token):
        return token in self.registrations or token in self.connecting

    def arm(self, token):
        self.registrations[token].arm(self.delivery == "poll")

    def add(self, token, stream, interests, mode):
        self.registrations[token] = Registration(stream, interests, mode)
        self.arm(token)

    def remove(self, token):
        """The stream of a token that is forgotten."""
        registration = self.registrations.pop(token)
        registration.forget()
        return registration.stream

    def end_lease(self, token):
        """Only workers have leases: roles.py."""

    def tell(self, events, client):
        """`client` has read of them."""
        tokens = [event["token"] for event in events]
        check(len(set(tokens)) == len(tokens), "a token twice in one line:", events)
        for event in events:
            check(event["token"] in self.registrations, "told of a token that is not registered:", event)
            check(all(value is True for name, value in event.items() if name != "token"), "a flag that is false:", event)
            self.tell_one(event["token"], set(event) - {"token"}, client)

    def tell_one(self, token, flags, client):
        self.registrations[token].tell(flags)

    def owed(self):
        owed = {token: one.owed() for token, one in self.registrations.items()}
        return {token: flags for token, flags in owed.items() if flags}

    def can_speak(self):
        """Whether an event can come without another request."""
        return self.delivery == "push" and any(
            one.armed and not one.over for one in self.registrations.values()
        )

    def close(self):
        for token in list(self.registrations):
            self.remove(token).near_closed()
        self.connecting.clear()

    def taken_over(self):
        """What its last client has still to read of it."""
        past = Loop(self.name)
        past.delivery = self.delivery
        past.registrations = {token: one.copy_of_the_past() for token, one in self.registrations.items()}
        return past
