#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Connects to servers through minimiod and prints the data of each server, in the order of arrival.

usage: client.py HOST:PORT..."""
import json
import os
import socket
import sys


class Minimio:
    """A session with the daemon: calls, and the events that arrive meanwhile."""

    def __init__(self, path=None):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path or os.environ.get("MINIMIO_SOCKET", "/run/minimio/minimio.sock"))
        self.lines = self.socket.makefile("rb")
        self.last_id = 0
        self.kept = []  # events that came while a call awaited its reply

    def _receive(self):
        """Returns the next message. Queues events, and returns None for an event."""
        line = self.lines.readline()
        if not line:
            raise ConnectionError("the daemon closed the session")
        message = json.loads(line)
        if message.get("method") == "ready":
            self.kept += message["params"]["events"]
            return None
        return message

    def call(self, method, **params):
        self.last_id += 1
        request = {"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            message = self._receive()
            if message and "error" in message:
                raise RuntimeError(message["error"]["message"])
            if message and message.get("id") == self.last_id:
                return message["result"]

    def event(self):
        while not self.kept:
            self._receive()
        return self.kept.pop(0)


def main(addresses):
    minimio = Minimio()
    for token, address in enumerate(addresses, 1):
        minimio.call("register", token=token, address=address)
    left = len(addresses)
    while left:
        token = minimio.event()["token"]
        result = minimio.call("read", token=token)
        if result["bytes"]:
            print(f"{token}: {result['data']}", end="", flush=True)
        if result["eof"]:
            minimio.call("deregister", token=token)
            left -= 1
        else:
            minimio.call("reregister", token=token)


try:
    main(sys.argv[1:])
except (RuntimeError, OSError) as error:
    sys.exit(f"client.py: {error}")
