# SPDX-License-Identifier: MIT
"""The far ends of streams: TCP connections over loopback, of which the daemon holds the near end."""
import errno
import select
import socket
import struct

from model import Stream
from wire import Patience, Violation, trace, wait_readable

LOOPBACK = ("127.0.0.1", 0)
SMALL_BYTES = 4096  # buffers that are soon full
HOLE_FILL = 8
RESET = struct.pack("ii", 1, 0)


class Peer:
    def __init__(self, far):
        self.socket = far
        self.stream = Stream(self)
        self.ended = False  # it has seen the end of what the near end sends
        self.broken = False  # it could send no more: to be accounted for when it is drained

    @property
    def is_open(self):
        return self.socket.fileno() >= 0

    def note(self, what, *more):
        trace.append(f"peer {self.socket.fileno()} {what} {more}")

    def send(self, data):
        self.note("sends", data)
        if self.attempt(lambda: self.socket.sendall(data)):
            self.stream.peer_sent(data)

    def finish(self):
        self.note("finishes")
        if self.attempt(lambda: self.socket.shutdown(socket.SHUT_WR)):
            self.stream.peer_finished()

    def attempt(self, act):
        """The near end may be closed by a request whose reply nobody has read yet."""
        try:
            act()
        except OSError as error:
            if error.errno not in (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN):
                raise
            self.broken = True
        return not self.broken

    def reset(self):
        self.note("resets")
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.socket.close()
        self.stream.peer_reset()

    def close(self):
        self.note("closes")
        self.socket.close()
        self.stream.peer_closed()

    def receive(self):
        """Takes what is there, at least a byte or the end, and compares it with what was written."""
        try:
            data = self.socket.recv(65536)
        except OSError as error:
            if error.errno not in (errno.ECONNRESET, errno.EPIPE):
                raise
            self.stream.peer_saw_reset()
            self.ended = True
            return
        self.note("receives", data[:20], len(data))
        if data:
            self.stream.peer_received(data)
        else:
            self.stream.peer_saw_end()
            self.ended = True

    def drain(self):
        """Receives all that was written, however long it is under way, and whatever else is there."""
        deadline = Patience.deadline()
        if self.broken:
            self.stream.peer_saw_reset()
            self.ended = True
        while self.is_open and not self.ended:
            due = self.stream.is_due_to_peer()
            if not wait_readable([self.socket], deadline if due else 0):
                if not due:
                    return
                raise Violation(f"a peer waits for {self.stream.due_to_peer()}")
            self.receive()


class Port:
    """Where streams that are registered by address are connected to; their far ends are found by their addresses."""

    def __init__(self):
        self.socket = socket.create_server(LOOPBACK)
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.accepted = {}

    def accept(self):
        far, (host, number) = self.socket.accept()
        peer = self.accepted[f"{host}:{number}"] = Peer(far)
        return peer

    def find(self, address):
        return self.accepted.pop(address)

    def make_pair(self, small=False):
        """A connection whose near end is here, to be handed to the daemon."""
        listener = socket.create_server(LOOPBACK)
        near = socket.socket()
        if small:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BYTES)
            near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BYTES)
        near.connect(listener.getsockname())
        far, _ = listener.accept()
        listener.close()
        return near.detach(), Peer(far)

    def close(self):
        self.socket.close()
        for peer in self.accepted.values():
            peer.socket.close()


class Hole:
    """An address that connections are never accepted at, nor refused."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(LOOPBACK)
        self.socket.listen(0)
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.fill = []
        for _ in range(HOLE_FILL):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(self.socket.getsockname())
            self.fill.append(one)
        _, connected, _ = select.select([], self.fill, [], 0)
        assert len(connected) < HOLE_FILL

    def close(self):
        for one in [*self.fill, self.socket]:
            one.close()
