#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Forty set-ups of a machine's names: in each, `register` and `wait` connect to what `getent ahosts` says, in its order.

usage: tests/names/setups.py BUILD"""

import concurrent.futures
import itertools
import random
import sys

import world
from world import A, AAAA, REFUSED, SERVFAIL, require

COUNT = 40
AT_ONCE = 10

SEARCHES = [[], ["corp.test"], ["a.test", "corp.test"], ["."]]
NAMES = ["db", "app.example", "db.example."]
FAMILIES = {"v4": {A: ["10.1.1.1"]}, "v6": {AAAA: ["fd01::1"]}, "none": {},
            "both": {A: ["10.1.1.1", "10.1.1.2"], AAAA: ["fd01::1"]}}  # fmt: skip
HOSTS = ["", "10.1.1.5 {}\n", "fd01::5 {0}\n10.1.1.6 {0}\n"]
TROUBLES = ["nothing", "wildcard v6", "wildcard v4", "servfail", "refused", "silent v6", "silent server", "ndots", "no dns"]


def below(name, domain):
    return f"{name.rstrip('.')}.{domain}"


class Setup:
    def __init__(self, number, search, name, families, hosts, trouble):
        self.number, self.search, self.name, self.families = number, search, name, families
        self.hosts, self.trouble = hosts, trouble

    def __str__(self):
        return f"{self.number}: {self.name}, search {self.search}, {self.families}, hosts {self.hosts!r}, {self.trouble}"

    def zone(self):
        name = self.name.rstrip(".")
        zone = {(name, kind): addresses for kind, addresses in FAMILIES[self.families].items()}
        last = self.search[-1] if self.search else "corp.test"
        if self.trouble.startswith("wildcard"):
            zone["*." + last, AAAA if self.trouble.endswith("v6") else A] = ["fd01::7" if "v6" in self.trouble else "10.1.1.7"]
        elif self.trouble in ("servfail", "refused"):
            error = SERVFAIL if self.trouble == "servfail" else REFUSED
            zone |= {(below(self.name, last), A): error, (below(self.name, last), AAAA): error}
        elif self.trouble == "silent v6":
            zone[name, AAAA] = "drop"
        return zone

    def resolv(self):
        servers = [f"127.1.{self.number}.1"]
        options = []
        if self.trouble == "silent server":
            servers.insert(0, f"127.1.{self.number}.2")
            options.append("timeout:1")
        if self.trouble == "ndots":
            options.append("ndots:2")
        text = "".join(f"nameserver {server}\n" for server in servers)
        text += f"search {' '.join(self.search)}\n" if self.search else ""
        return text + (f"options {' '.join(options)}\n" if options else "")

    def machine(self, build):
        nsswitch = "hosts: files\n" if self.trouble == "no dns" else "hosts: files dns\n"
        hosts = "127.0.0.1 localhost\n" + self.hosts.format(self.name.rstrip("."))
        return world.Machine(build, self.resolv(), hosts, nsswitch)


def is_answered(setup):
    """Where a family of a name without addresses is never answered, the system waits for as long as it likes."""
    return setup.trouble != "silent v6" or A in FAMILIES[setup.families]


def generate():
    """By chance, but the same ones each time: each trouble as often as the others, and few names in /etc/hosts."""
    every = list(itertools.product(SEARCHES, NAMES, FAMILIES, HOSTS, TROUBLES))
    random.Random(1).shuffle(every)
    apt = [choice for i, choice in enumerate(every) if (not choice[3] or i % 7 == 0) and is_answered(Setup(0, *choice))]
    by_trouble = [[choice for choice in apt if choice[4] == trouble] for trouble in TROUBLES]
    chosen = itertools.chain.from_iterable(zip(*by_trouble))
    return [Setup(number, *choice) for number, choice in enumerate(itertools.islice(chosen, COUNT))]


def by_turns(addresses):
    """In the order in which they are tried (RFC 8305, 4)."""
    first = [address for address in addresses if (":" in address) == (":" in addresses[0])]
    other = [address for address in addresses if address not in first]
    turns = itertools.chain.from_iterable(itertools.zip_longest(first, other))
    return [address for address in turns if address]


def rule(address):
    return f"deny = [{address}]\n" if ":" in address else f"deny = {address}\n"


def assert_register_agrees(setup, machine, port, expected):
    """With those before it denied, each address is the next one, and with all of them denied nothing is left."""
    session = world.Session(machine)
    target = f"{setup.name}:{port.number}"
    if not expected:
        reply = session.call("register", token=1, address=target, timeout_ms=0)
        require(world.fault_of(reply) == "RESOLVE_FAILED", "register found", reply)
    for i, address in enumerate([*expected, None] if expected else []):
        machine.reload("[targets]\n" + "".join(rule(denied) for denied in expected[:i]))
        reply = session.call("register", token=i, address=target, timeout_ms=0)
        require(world.host_of(reply) == address, "register found", reply, "and not", address)
        require(address or world.fault_of(reply) == "DENIED", "register found", reply)
    session.close()


def assert_wait_agrees(setup, machine, port, expected):
    target = f"{setup.name}:{port.number}"
    before = len(port.accepted)
    ended = machine.run(f"{machine.build}/minimioctl", "wait", "--timeout", "30s" if expected else "300ms", target)
    require((ended.returncode == 0) == bool(expected), "wait:", ended.returncode, ended.stderr)
    if expected:
        world.await_true(lambda: len(port.accepted) > before, "nothing was connected to")
        require(port.accepted[before] == expected[0], "wait connected to", port.accepted[before], "and not", expected[0])


def assert_agrees(setup, build):
    machine = setup.machine(build)
    port = world.Port()
    try:
        machine.start()
        expected = machine.ahosts(setup.name)
        expected = by_turns(expected) if expected else []
        assert_register_agrees(setup, machine, port, expected)
        assert_wait_agrees(setup, machine, port, expected)
        require(machine.stop()[0] == 0, "the daemon did not end well: ", machine.log_text())
        return expected
    finally:
        machine.close()


def main():
    world.enter()
    build = sys.argv[1]
    setups = generate()
    require(len({str(setup).split(": ", 1)[1] for setup in setups}) == COUNT, "some are the same")
    servers = world.NameServers()
    for setup in setups:
        servers.serve(f"127.1.{setup.number}.1", setup.zone())
        servers.serve(f"127.1.{setup.number}.2", {("*", A): "drop", ("*", AAAA): "drop"})
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for setup, future in [(setup, pool.submit(assert_agrees, setup, build)) for setup in setups]:
            try:
                print(f"ok {setup}: {' '.join(future.result()) or 'no such name'}")
            except world.Wrong as wrong:
                failed += 1
                print(f"not ok {setup}: {wrong}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
