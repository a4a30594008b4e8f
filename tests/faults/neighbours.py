"""What a daemon under test has around it: a server to connect to, a name server, and a service manager.

All of them are threads of the test's own, and on the loopback alone.
"""

import array
import functools
import os
import socket
import socketserver
import struct
import threading

GREETING = b"hello"
LATE_S = 0.06  # when whoever asked for a name that is late has given up


class Greeter(socketserver.BaseRequestHandler):
    """Says hello, then says back what it is told."""

    def handle(self):
        try:
            self.request.sendall(GREETING)
            while data := self.request.recv(4096):
                self.request.sendall(data)
        except OSError:
            pass  # a daemon under test may go when it likes


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


class NameServer(socketserver.BaseRequestHandler):
    """two.test has an address of each family, of which one answers; late.test is late; all else does not exist."""

    def handle(self):
        query, sock = self.request
        end = query.index(0, 12)
        question = query[12 : end + 5]
        kind = struct.unpack(">H", query[end + 1 : end + 3])[0]
        records = {1: socket.inet_aton("127.0.0.1"), 28: socket.inet_pton(socket.AF_INET6, "::1")}
        reply = functools.partial(sock.sendto, self.answer(query, question, kind, records), self.client_address)
        if b"\x04late" in question:
            threading.Timer(LATE_S, reply).start()
        else:
            reply()

    @staticmethod
    def answer(query, question, kind, records):
        answer = b""
        if b"\x03two" in question and kind in records:
            answer = struct.pack(">HHHIH", 0xC00C, kind, 1, 1, len(records[kind])) + records[kind]
        flags = 0x8180 if b"\x03two" in question else 0x8183
        header = query[:2] + struct.pack(">HHHHH", flags, 1, 1 if answer else 0, 0, 0)
        return header + question + answer


class Manager(threading.Thread):
    """Reads what the daemon says to a service manager, and lets go of what it is to keep."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.start()

    def run(self):
        while True:
            try:
                _, ancillary, _, _ = self.socket.recvmsg(4096, 4096)
            except OSError:
                return
            for _, _, data in ancillary:
                for fd in array.array("i", data[: len(data) // 4 * 4]):
                    os.close(fd)


class Neighbours:
    def __init__(self, folder):
        self.greeter = Server(("127.0.0.1", 0), Greeter)
        self.names = socketserver.UDPServer(("127.0.0.1", 0), NameServer)
        for server in (self.greeter, self.names):
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.notify = os.path.join(folder, "notify")
        self.manager = Manager(self.notify)
        self.address = "127.0.0.1:%d" % self.greeter.server_address[1]
        self.port = self.greeter.server_address[1]
        self.name_server_port = self.names.server_address[1]
        # Bound and not listening: who connects is refused, and nobody else gets the port.
        self.closed = socket.socket()
        self.closed.bind(("127.0.0.1", 0))
        self.refusing = "127.0.0.1:%d" % self.closed.getsockname()[1]
