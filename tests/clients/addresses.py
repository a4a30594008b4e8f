#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Addresses as people write them, in namespaces of their own with a name server that answers every name and tells what
it was asked: numeric forms and localhost are never asked of it, and nobody gets connected to itself.

usage: MINIMIO_BUILD=BUILD tests/clients/addresses.py THEME"""
import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading

BUILD = os.environ["MINIMIO_BUILD"]
MINIMIOCTL = os.path.join(BUILD.removesuffix("/valgrind"), "minimioctl")
INSIDE = "MINIMIO_ADDRESSES_INSIDE"
OWN_PORT = 40000  # one of two ports that the kernel gives to connecting sockets here
TRIES = 30  # in each of which the kernel chooses anew, and half of them are its own port


def skip(needs):
    print(f"skipped: needs {needs}")
    sys.exit(1 if os.environ.get("MINIMIO_CLIENTS") == "required" else 77)


def enter_namespaces():
    """Runs this script again, inside. Its end is this process's end."""
    unshare = ["unshare", "--net", "--mount"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])
    with contextlib.suppress(FileNotFoundError):
        if subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            os.environ[INSIDE] = "1"
            os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])
    skip("the right to make network and mount namespaces")


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def set_up(folder):
    """The loopback, and files of the system's that lead to the name server alone."""
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    except FileNotFoundError:
        skip("the program ip")
    files = {
        "resolv.conf": "nameserver 127.0.0.1\nsearch corp.test\n",
        "hosts": "127.0.0.9 localhost\n",
        "nsswitch.conf": "hosts: files dns\n",
    }
    for name, text in files.items():
        write(os.path.join(folder, name), text)
        if os.path.exists("/etc/" + name):
            subprocess.run(["mount", "--bind", os.path.join(folder, name), "/etc/" + name], check=True)


class NameServer:
    """Every name has the address 127.0.0.1 and no IPv6 address."""

    def __init__(self):
        self.asked = set()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, client = self.socket.recvfrom(2048)
            at, labels = 12, []
            while query[at]:
                labels.append(query[at + 1 : at + 1 + query[at]].decode("latin-1"))
                at += 1 + query[at]
            self.asked.add(".".join(labels).lower())
            kind = struct.unpack(">H", query[at + 1 : at + 3])[0]
            answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + bytes([127, 0, 0, 1]) if kind == 1 else b""
            head = struct.pack(">HHHHH", 0x8180, 1, 1 if answer else 0, 0, 0)
            self.socket.sendto(query[:2] + head + query[12 : at + 5] + answer, client)


def ctl(*arguments):
    """Exit code and all that was printed."""
    done = subprocess.run([MINIMIOCTL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode()


@contextlib.contextmanager
def daemon(folder):
    os.environ["MINIMIO_SOCKET"] = os.path.join(folder, "minimio.sock")
    with subprocess.Popen([os.path.join(BUILD, "minimiod")]) as process:
        try:
            code, said = ctl("ping", "--wait", "20s")
            assert code == 0, said
            yield
        finally:
            process.terminate()
    assert process.returncode == 0


def register(address):
    """The error; None: it is connected."""
    request = {"jsonrpc": "2.0", "id": 1, "method": "register", "params": {"token": 1, "address": address}}
    with socket.socket(socket.AF_UNIX) as session, session.makefile("rb") as lines:
        session.connect(os.environ["MINIMIO_SOCKET"])
        session.sendall(json.dumps(request).encode())
        return json.loads(lines.readline()).get("error")


def numeric_forms():
    name_server = NameServer()
    server = socket.create_server(("", 0))  # on every address that a form could be taken for
    port = server.getsockname()[1]
    forms = ["127.0.0.010", "010.1.1.1", "127.1", "0x7f.1", "0x7f000001", "2130706433", "127.0.0.1.", "1.2.3.4.5", "db.1"]
    for form in forms:
        address = f"{form}:{port}"
        error = register(address)
        assert error and error["data"] == {"name": "INVALID_PARAMS", "param": "address"}, (form, error)
        assert form in error["message"] and "four integers" in error["message"], error
        for command in (["wait"], ["watch"], ["connect"], ["register", "--loop", "a", "1"]):
            code, said = ctl(*command, address)
            assert code == 2 and form in said and "four integers" in said, (command, form, code, said)
    for name in ("localhost", "LOCALHOST.", "foo.localhost", "foo.localhost."):
        error = register(f"{name}:{port}")
        assert not error, (name, error)
        code, said = ctl("wait", "--timeout", "20s", f"{name}:{port}")
        assert code == 0, (name, said)
    assert not name_server.asked, name_server.asked
    # It would have told.
    assert not register(f"db.test:{port}")
    assert "db.test" in name_server.asked
    name_server.asked.clear()
    code, said = ctl("wait", "--timeout", "20s", f"db.test:{port}")
    assert code == 0, said
    assert "db.test" in name_server.asked
    server.close()


def own_port():
    write("/proc/sys/net/ipv4/ip_local_port_range", f"{OWN_PORT} {OWN_PORT + 1}")
    for address in (f"127.0.0.1:{OWN_PORT}", f"localhost:{OWN_PORT}"):
        for _ in range(TRIES):
            error = register(address)
            assert error and error["data"]["errno"] == "ECONNREFUSED", error
    code, said = ctl("wait", "--interval", "1ms", "--timeout", "200ms", f"127.0.0.1:{OWN_PORT}")
    assert code == 124, (code, said)
    # Nothing of the attempts occupies the port, even for a server that does not ask to reuse it.
    with socket.socket() as server:
        server.bind(("127.0.0.1", OWN_PORT))


THEMES = {"numeric_forms": numeric_forms, "own_port": own_port}


def main():
    theme = THEMES[sys.argv[1]]
    if not os.environ.get(INSIDE):
        enter_namespaces()
    with tempfile.TemporaryDirectory() as folder:
        set_up(folder)
        with daemon(folder):
            theme()


main()
