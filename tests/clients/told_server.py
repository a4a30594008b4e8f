#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Servers that greet their clients when they are told to, so that no test depends on delays.

usage: told_server.py COUNT

Opens COUNT ports on 127.0.0.1 and prints a line `PORT` for each of them. A line `N` on the standard input tells the Nth
server, counted from 1: from then on each client of it, also those that have connected before, is sent the line `hello`
and the end of the stream. Ends with the standard input."""
import resource
import selectors
import socket
import sys


class Server:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.listener.setblocking(False)
        self.is_told = False
        self.clients = []

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except BlockingIOError:
                return
            self.clients.append(client)
            if self.is_told:
                self.greet(client)

    def tell(self):
        self.is_told = True
        for client in self.clients:
            self.greet(client)

    @staticmethod
    def greet(client):
        try:
            client.sendall(b"hello\n")
            client.shutdown(socket.SHUT_WR)
        except OSError:  # the client is gone
            pass


def main():
    servers = [Server() for _ in range(int(sys.argv[1]))]
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    for server in servers:
        print(server.listener.getsockname()[1])
    sys.stdout.flush()
    with selectors.DefaultSelector() as selector:
        for server in servers:
            selector.register(server.listener, selectors.EVENT_READ, server)
        selector.register(sys.stdin.buffer.raw, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.data:
                    key.data.accept()
                    continue
                orders = sys.stdin.buffer.raw.read(4096)
                if not orders:
                    return
                for order in orders.split():
                    servers[int(order) - 1].tell()


main()
