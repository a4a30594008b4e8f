# SPDX-License-Identifier: MIT
"""A daemon, its clients, and the servers that it connects to."""
import json
import os
import socket
import struct
import subprocess

from text import fail

DAEMON = os.path.join(os.environ["MINIMIO_BUILD"], "minimiod")
WAIT_S = 120  # everything here happens at once; the limit only ends a test that hangs


class Daemon:
    def __init__(self, folder, configuration=""):
        self.path = os.path.join(folder, "minimio.sock")
        config = os.path.join(folder, "minimiod.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(configuration)
        command = [DAEMON, "--socket", self.path, "--config", config]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while "listening on" not in (line := self.process.stderr.readline()):
            if not line:
                fail("the daemon does not start")

    def end(self):
        self.process.terminate()
        self.process.communicate()
        if self.process.returncode != 0:
            fail(f"the daemon ended with {self.process.returncode}")


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(WAIT_S)
        self.socket.connect(path)
        self.bytes = b""
        self.to_send, self.received = [], []
        self.peers = []  # of the socket pairs that were sent
        self.writes = True

    def send(self, line):
        data = line.encode() + b"\n"
        if self.to_send:
            data = data[socket.send_fds(self.socket, [data], self.to_send) :]
        self.socket.sendall(data)
        for fd in self.to_send:
            os.close(fd)
        self.to_send = []

    def read_line(self):
        """A line without its LF; None: the end."""
        while b"\n" not in self.bytes:
            data, fds, _, _ = socket.recv_fds(self.socket, 65536, 16)
            self.received += fds
            if not data:
                return None if not self.bytes else fail(f"an unfinished line: {self.bytes}")
            self.bytes += data
        line, _, self.bytes = self.bytes.partition(b"\n")
        return line.decode()

    def call(self, method):
        self.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method}))
        return json.loads(self.read_line())["result"]

    def close(self):
        for fd in self.received + self.to_send:
            os.close(fd)
        self.socket.close()


class Server:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(WAIT_S)
        self.connection = None
        self.address = address_of(self.listener)

    def connected(self):
        if not self.connection:
            self.connection = self.listener.accept()[0]
            self.connection.settimeout(WAIT_S)
        return self.connection

    def reset(self):
        self.connected().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def receive(self, expected):
        found = b""
        while len(found) < len(expected) and (data := self.connected().recv(len(expected) - len(found))):
            found += data
        return found == expected

    def close(self):
        self.listener.close()
        if self.connection:
            self.connection.close()


class SilentServer:
    """The queue of connections is full, so that no connect succeeds or fails."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.address = address_of(self.listener)
        self.clients = [socket.socket() for _ in range(8)]
        for client in self.clients:
            client.setblocking(False)
            client.connect_ex(self.listener.getsockname())

    def close(self):
        for client in [self.listener, *self.clients]:
            client.close()


def address_of(listener):
    return "%s:%d" % listener.getsockname()
