#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Servers of HTTP, HTTPS and Unix sockets for tests of `minimioctl wait`.

usage: wait_servers.py FOLDER

Writes FOLDER/servers, a shell script that sets $http, $https (HOST:PORT), $silent, $closing, $holding (ports that accept
and say nothing, close at once, stay open) and $socket, a Unix socket that greets. FOLDER/cert.pem, if it is there with
FOLDER/key.pem, is the certificate. What is asked for is appended to FOLDER/asked, a path on each line. /soon answers 503
until FOLDER/good exists."""
import http.server
import os
import socket
import ssl
import sys
import threading

FOLDER = sys.argv[1]
kept = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with open(f"{FOLDER}/asked", "a") as asked:
            asked.write(f"{self.path}\n")
        name = self.path.partition("?")[0].strip("/")
        if name == "soon":
            name = "200" if os.path.exists(f"{FOLDER}/good") else "503"
        status = 200 if name == "endless" else int(name or "200")
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/404")
        if name == "endless":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", "0")
        self.end_headers()
        try:
            while name == "endless":
                self.wfile.write(b"1\r\nx\r\n")
        except OSError:  # the client has seen enough
            pass

    def log_message(self, *_):
        pass


def serve(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_address[1]}"


def accept(listener, greet):
    while True:
        client, _ = listener.accept()
        if greet is None:
            client.close()
            continue
        kept.append(client)
        try:
            client.sendall(greet)
        except OSError:  # the client is gone
            pass


def start(listener, greet):
    threading.Thread(target=accept, args=(listener, greet), daemon=True).start()


def tcp(greet):
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    start(listener, greet)
    return f"127.0.0.1:{listener.getsockname()[1]}"


def unix(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    start(listener, b"220 hello\r\n")
    return path


def https():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{FOLDER}/cert.pem", f"{FOLDER}/key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return serve(server)


found = {
    "http": serve(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)),
    "https": https() if os.path.exists(f"{FOLDER}/cert.pem") else "",
    "silent": tcp(b""),
    "closing": tcp(None),
    "holding": tcp(b""),
    "socket": unix(f"{FOLDER}/greets.sock"),
}
with open(f"{FOLDER}/servers.new", "w") as script:
    for name, place in found.items():
        script.write(f"{name}='{place}'\n")
os.rename(f"{FOLDER}/servers.new", f"{FOLDER}/servers")
threading.Event().wait()
