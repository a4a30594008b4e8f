#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Connects to servers through minimiod and prints their data, together with other workers: start the program as often as
you like, with the same arguments. An event goes to one worker; if the worker dies, to another.

usage: worker.py LOOP HOST:PORT..."""
import json
import os
import socket
import sys


class Minimio:
    """A session with the daemon: calls, and the events that arrive meanwhile."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(os.environ.get("MINIMIO_SOCKET", "/run/minimio/minimio.sock"))
        self.lines = self.socket.makefile("rb")
        self.kept = []  # events that came while a call awaited its reply

    def receive(self):
        message = json.loads(self.lines.readline() or b'{"method": "loop_closed"}')
        if message.get("method") in ("loop_closed", "loop_detached"):
            raise ConnectionError("the loop has ended")
        if message.get("method") == "ready":
            self.kept += message["params"]["events"]
        return message

    def call(self, method, **params):
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        while "id" not in (message := self.receive()):
            pass
        if "error" in message:
            raise RuntimeError(message["error"]["data"]["name"], message["error"]["message"])
        return message["result"]

    def event(self):
        while not self.kept:
            self.receive()
        return self.kept.pop(0)


def connect(minimio, token, address):
    try:
        minimio.call("register", token=token, address=address, ensure=True)
    except RuntimeError as error:
        if error.args[0] != "LEASED":  # another worker has the connection at the moment
            raise


def main(loop, *addresses):
    minimio = Minimio()
    minimio.call("open_loop", name=loop, role="worker")
    for token, address in enumerate(addresses, 1):
        connect(minimio, token, address)
    while True:
        event = minimio.event()
        token = event["token"]  # leased to this worker from here on
        if event.get("redelivered"):
            # A worker died with this event, and may have read half a message: only a new connection is safe.
            minimio.call("deregister", token=token)
            connect(minimio, token, addresses[token - 1])
            continue
        result = minimio.call("read", token=token)
        if result["bytes"]:
            print(f"{token}: {result['data']}", end="", flush=True)
        minimio.call("deregister" if result["eof"] else "reregister", token=token)  # either ends the lease


try:
    main(*sys.argv[1:])
except (RuntimeError, OSError) as error:
    sys.exit(f"worker.py: {error.args[-1]}")
