#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A peer that says what a client of the daemon would: nothing of it reaches the daemon, whichever of minimioctl's standard
streams are closed. usage: closed_streams.py REDIRECTIONS COMMAND..., with MINIMIO_SOCKET set; the peer's address is put
behind the command"""
import json
import socket
import subprocess
import sys


def listen():
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, "127.0.0.1:%d" % listener.getsockname()[1]


redirections, *program = sys.argv[1:]
victim, victim_address = listen()
peer, peer_address = listen()
command = subprocess.Popen(["sh", "-c", 'exec "$@" ' + redirections, "sh", *program, peer_address])
stream, _ = peer.accept()
params = {"token": 5, "address": victim_address}
stream.sendall(json.dumps({"jsonrpc": "2.0", "id": 9, "method": "register", "params": params}).encode())
stream.close()
command.wait(60)  # its output does not arrive, or its session has ended
victim.setblocking(False)
try:
    victim.accept()
    sys.exit("the daemon connected to where the peer said")
except BlockingIOError:
    pass
