#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scripts/deps.sh on machines where nothing is installed: what it says, asks and runs. Package managers, sudo and id are
stand-ins that write down how they were called.

usage: tests/installed/deps.py"""
import os
import pty
import shutil
import subprocess
import tempfile

BUILD = "gcc libc6-dev pkg-config libcjson-dev libbsd-dev libinih-dev libsmartcols-dev libsystemd-dev"
CHECK = "check python3 netcat-openbsd jq g++"  # the first ones of the tests' packages


class Machine:
    """A folder with the only programs that there are."""

    def __init__(self, managers=("apt-get",), uid=1000, sudo="no password"):
        self.folder = tempfile.mkdtemp()
        self.log = os.path.join(self.folder, "log")
        open(self.log, "w").close()
        for name in ("sh", "env"):
            os.symlink(shutil.which(name), os.path.join(self.folder, name))
        self.program("id", f"echo {uid}")
        for name in managers:
            self.program(name, f'echo "{name} $*" >>"{self.log}"; [ ! -e "{self.folder}/broken" ]')
        if sudo:
            asks = "exit 1" if sudo == "password" else "exit 0"
            self.program("sudo", f'[ "$1" != -n ] || {asks}; echo "sudo $1" >>"{self.log}"; exec "$@"')

    def program(self, name, body):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(f"#!/bin/sh\n{body}\n")
        os.chmod(path, 0o755)

    def run(self, *sets, answer=None, **environment):
        """Its exit status and output; with an answer, on a terminal."""
        environment |= {"PATH": self.folder}
        command = ["scripts/deps.sh", *sets]
        if answer is None:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  env=environment, text=True)
            return done.returncode, done.stdout
        ours, theirs = pty.openpty()
        with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment,
                              start_new_session=True) as process:
            os.close(theirs)
            os.write(ours, answer.encode() + b"\n")
            output = b""
            try:
                while chunk := os.read(ours, 4096):
                    output += chunk
            except OSError:  # EIO: nobody has the other end any more
                pass
            os.close(ours)
            return process.wait(), output.decode().replace("\r\n", "\n")

    def called(self):
        with open(self.log) as file:
            return file.read().splitlines()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)


def require(condition, *what):
    if not condition:
        raise SystemExit("deps.py: " + "\n".join(map(str, what)))


def require_line_to_copy(output, begin, packages=BUILD + " " + CHECK):
    """The last line, whole: for the build and the tests, whatever was asked for."""
    line = output.splitlines()[-1].strip()
    require(line.startswith(begin), "the line to copy does not begin with", begin, output)
    require(packages in line, "the line to copy lacks packages", packages, output)


with Machine(uid=0, sudo=None) as machine:
    status, output = machine.run("build")
    require(status == 0, "root cannot install", output)
    require(BUILD in output and "a minute" in output, "it does not say what it installs, and how long", output)
    require(machine.called() == ["apt-get update -qq", f"apt-get install -y -qq --no-install-recommends {BUILD}"],
            "it ran something else", machine.called())

with Machine() as machine:  # not on a terminal: sudo asks for nothing, so it goes on
    status, output = machine.run("build")
    require(status == 0 and "[Y/n]" not in output, "it does not go on", output)
    require(machine.called()[0::2] == ["sudo apt-get", "sudo env"], "it ran something else", machine.called())

with Machine(sudo="password") as machine:
    status, output = machine.run("build")
    require(status == 1 and machine.called() == [], "it runs sudo without a terminal", output, machine.called())
    require_line_to_copy(output, "sudo apt-get update && sudo apt-get install -y ")

for answer, goes_on in (("", True), ("y", True), ("Yes", True), ("n", False), ("what", False)):
    with Machine(sudo="password") as machine:
        status, output = machine.run("build", answer=answer)
        require(BUILD in output and "Run sudo apt-get now? [Y/n]" in output, "it does not ask", output)
        require((status == 0) == goes_on and bool(machine.called()) == goes_on, f"'{answer}' is taken wrong", output)
        if not goes_on:
            require_line_to_copy(output, "sudo apt-get update && sudo apt-get install -y ")

with Machine(sudo="password") as machine:
    status, output = machine.run("build", answer="n", DEPS="yes")
    require(status == 0 and "[Y/n]" not in output, "DEPS=yes does not answer", output)

with Machine(sudo=None) as machine:
    status, output = machine.run("build")
    require(status == 1 and machine.called() == [], "it installs without root", output)
    require_line_to_copy(output, "su -c 'apt-get update && apt-get install -y ")

with Machine(uid=0) as machine:
    open(os.path.join(machine.folder, "broken"), "w").close()
    status, output = machine.run("build")
    require(status == 1 and "apt-get failed" in output, "it does not say that apt-get failed", output)
    require_line_to_copy(output, "apt-get update && apt-get install -y ")

with Machine(managers=()) as machine:
    status, output = machine.run("build")
    require(status == 1, "it installs without a package manager", output)
    require_line_to_copy(output, "gcc libc6-dev ", BUILD.removesuffix(" libsystemd-dev") + " " + CHECK)

for manager, command in (("dnf", "dnf install "), ("pacman", "pacman -S --needed ")):
    with Machine(managers=(manager,), sudo="password") as machine:
        status, output = machine.run("build")
        require(status == 1 and machine.called() == [], f"{manager} without a terminal", output)
        require_line_to_copy(output, f"sudo {command}", "")

with Machine(managers=("brew",), sudo=None) as machine:  # which is run by the user
    status, output = machine.run("build")
    require(status == 0, "brew cannot install", output)
    require(machine.called()[0].startswith("brew install -q gcc pkg-config cjson "), "brew", machine.called())

with Machine() as machine:
    status, output = machine.run("everything")
    require(status == 2 and "unknown set 'everything'" in output, "an unknown set", output)
