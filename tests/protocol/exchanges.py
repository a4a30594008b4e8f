#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs each exchange of proto/PROTOCOL.md with a daemon of its own: what the daemon writes is what the text has.

usage: MINIMIO_BUILD=BUILD tests/protocol/exchanges.py"""
import os
import re
import socket
import sys
import tempfile

sys.dont_write_bytecode = True  # the sources' folder is not written to
from text import PATH, fail, sections, steps
from wire import Client, Daemon, Server, SilentServer

OWN_ID = '"of the test"'
NUMERIC_ADDRESS = r"(?:[0-9.]+|\[[0-9a-f:.]+\]):[0-9]+"
PLACEHOLDERS = {"<address>": NUMERIC_ADDRESS, "<number>": "[0-9]+", "<text>": r'(?:[^"\\]|\\.)*', "…": ".*?"}


class Exchange:
    """A text in parentheses names the method with that docstring, in which groups are arguments."""

    def __init__(self, folder):
        self.folder, self.configuration, self.daemon = folder, "", None
        self.clients, self.ended = {}, set()
        self.server, self.silent = Server(), SilentServer()

    def client(self, name=""):
        if not self.daemon:
            self.daemon = Daemon(self.folder, self.configuration)
        if name not in self.clients:
            self.clients[name] = Client(self.daemon.path)
        return self.clients[name]

    def fill_in(self, line):
        return line.replace("<server>", self.server.address).replace("<silent>", self.silent.address)

    def expect(self, name, line):
        pattern = re.escape(self.fill_in(line))
        for placeholder, meaning in PLACEHOLDERS.items():
            pattern = pattern.replace(re.escape(placeholder), meaning)
        try:
            found = self.client(name).read_line()
        except socket.timeout:
            found = None
        if found is None or not re.fullmatch(pattern, found):
            fail(f"expected {line}\nreceived {found}")

    def ping(self, name):
        self.client(name).send('{"jsonrpc":"2.0","id":%s,"method":"ping"}' % OWN_ID)
        self.expect(name, '{"jsonrpc":"2.0","id":%s,"result":{}}' % OWN_ID)

    def act(self, action):
        for method in vars(Exchange).values():
            match = re.fullmatch(method.__doc__, action) if callable(method) and method.__doc__ else None
            if match:
                return method(self, *match.groups())
        return fail(f"there is no action ({action})")

    def do(self, step):
        if match := re.fullmatch(r"(2?)→ (.*)", step):
            self.client(match[1]).send(self.fill_in(match[2]))
        elif match := re.fullmatch(r"(2?)← (.*)", step):
            self.expect(match[1], match[2])
        elif match := re.fullmatch(r"\((.*)\)", step):
            self.act(match[1])
        else:
            fail(f"no step of an exchange: {step}")

    def end(self):
        """Nothing comes after the lines of the exchange: the next line is the reply to a last request."""
        for name, client in self.clients.items():
            if name not in self.ended and client.writes:
                self.ping(name)
            if client.received or client.to_send:
                fail("a descriptor that the exchange says nothing about")
            client.close()
        self.server.close()
        self.silent.close()

    def configure(self, section, line):
        r"""the configuration has (\[.*\]) (.*)"""
        self.configuration = f"{section}\n{line}\n"

    def close_session(self):
        """the client closes the session"""
        self.client().close()
        self.ended.add("")

    def end_writing(self):
        """the client shuts down its writing side"""
        self.client().socket.shutdown(socket.SHUT_WR)
        self.client().writes = False

    def expect_end(self):
        """the daemon closes the session"""
        if line := self.client().read_line():
            fail(f"expected the end, received {line}")
        self.ended.add("")

    def end_daemon(self):
        """the daemon receives SIGTERM"""
        for name in self.clients:
            self.ping(name)  # the daemon has read what was sent before
        self.daemon.process.terminate()

    def send_socket(self):
        """the client sends one end of a socket pair"""
        own, sent = socket.socketpair()
        self.client().peers.append(own)
        self.client().to_send.append(sent.detach())

    def send_file(self):
        """the client sends the descriptor of a file"""
        self.client().to_send.append(os.open(PATH, os.O_RDONLY))

    def expect_descriptor(self):
        """the line comes with a descriptor"""
        if len(self.client().received) != 1:
            fail(f"{len(self.client().received)} descriptors came with the line")
        os.close(self.client().received.pop())

    def server_sends(self, text):
        """the server sends "(.*)\""""
        self.server.connected().sendall(text.encode())

    def server_closes(self):
        """the server closes the connection"""
        self.server.connected().close()

    def server_resets(self):
        """the server resets the connection"""
        self.server.reset()

    def server_receives(self, text):
        """the server receives "(.*)\""""
        if not self.server.receive(text.encode()):
            fail(f"the server did not receive {text}")

    def server_receives_end(self):
        """the server receives the end"""
        if self.server.connected().recv(1):
            fail("the server received data")


def run(lines):
    with tempfile.TemporaryDirectory() as folder:
        exchange = Exchange(folder)
        try:
            for step in steps(lines):
                exchange.do(step)
            exchange.end()
        finally:
            if exchange.daemon:
                exchange.daemon.end()


def main():
    count = 0
    for section in sections():
        for number, lines in section.exchanges:
            print(f"{PATH}:{number}: {section.title}", flush=True)
            run(lines)
            count += 1
    if count < 20:
        fail("the text is not understood")


main()
