# SPDX-License-Identifier: MIT
"""A session with the daemon: bytes and descriptors out, whole lines in. Nothing is awaited for longer than `patience`."""
import array
import collections
import json
import math
import os
import select
import socket
import time

LINE_BYTES = 64 * 1024
RECEIVE_BYTES = 256 * 1024
DESCRIPTORS = 64

trace = collections.deque(maxlen=400)  # what was said and done last, for who reads of a failure


class Violation(AssertionError):
    """The daemon did what the protocol does not allow, or not what it promises."""


class Patience:
    """How long anything is awaited; less once a run has failed, as its reduction repeats it many times."""

    seconds = float(os.environ.get("MINIMIO_PATIENCE", "60"))

    @classmethod
    def deadline(cls):
        return time.monotonic() + cls.seconds


def unique(pairs):
    if len({name for name, _ in pairs}) != len(pairs):
        raise Violation(f"a member twice: {pairs}")
    return dict(pairs)


def wait_readable(sockets, deadline):
    """Those of the sockets that can be read; none: the deadline has passed."""
    poll = select.poll()
    by_number = {one.fileno(): one for one in sockets}
    for number in by_number:
        poll.register(number, select.POLLIN)
    left_ms = math.ceil(max(0, deadline - time.monotonic()) * 1000)
    return [by_number[number] for number, _ in poll.poll(left_ms)]


class Wire:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.settimeout(Patience.seconds)
        self.pending = b""
        self.lines = []
        self.descriptors = []
        self.ended = False

    def fileno(self):
        return self.socket.fileno()

    def say(self, message, descriptors=()):
        data = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        trace.append(f"{self.fileno()} > {data[:300]}")
        if descriptors:
            sent = socket.send_fds(self.socket, [data], descriptors)
            data = data[sent:]
        self.socket.sendall(data)

    def finish(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors = []
        self.socket.close()

    def receive(self):
        """Reads what is there, at least a byte or the end. No more than one reply's descriptors come at a time."""
        data, control, flags, _ = self.socket.recvmsg(RECEIVE_BYTES, socket.CMSG_SPACE(4 * DESCRIPTORS))
        if flags & socket.MSG_CTRUNC:
            raise Violation("more descriptors than were asked for")
        for _, _, numbers in control:
            self.descriptors += array.array("i", numbers)
        self.ended = not data
        trace.append(f"{self.fileno()} < {data[:2000]}")
        *lines, self.pending = (self.pending + data).split(b"\n")
        self.lines += [self.parse(line) for line in lines]

    @staticmethod
    def parse(line):
        if len(line) >= LINE_BYTES:
            raise Violation(f"a line of {len(line)} bytes")
        return json.loads(line.decode("utf-8", "strict"), object_pairs_hook=unique)
