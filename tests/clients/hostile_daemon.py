#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A daemon that answers `loops` with names that no honest daemon has: each argument behind the socket's path is one.

usage: hostile_daemon.py SOCKET NAME...      prints "up" when it listens"""
import json
import socket
import sys


def answer(request, names):
    loop = {"uid": 0, "registrations": 1, "pending": 0, "attached": False, "linger_ms": 0}
    result = {"loops": [dict(loop, name=name) for name in names], "next": None}
    return {"jsonrpc": "2.0", "id": request["id"], "result": result if request["method"] == "loops" else {}}


def main(path, *names):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    print("up", flush=True)
    while True:
        session, _ = listener.accept()
        with session, session.makefile("rwb") as lines:
            for line in lines:
                lines.write(json.dumps(answer(json.loads(line), names)).encode() + b"\n")
                lines.flush()


main(*sys.argv[1:])
