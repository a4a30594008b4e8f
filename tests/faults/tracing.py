"""strace as the one that fails system calls: attached to a program that runs, or become one that starts."""

import os
import re
import select
import shutil
import signal
import subprocess
import time

from scenario import Wrong

ATTACH_S = 20.0
LEAVE_S = 5.0
CALL = re.compile(r"^(?:\d+ +)?(?:\[pid +\d+\] )?(\w+)\(")


def why_not():
    """What is missing to trace programs here; None: nothing."""
    if not shutil.which("strace"):
        return "the program strace"
    tried = subprocess.run(
        ["strace", "-qq", "-o", "/dev/null", "-e", "inject=getcwd:error=ENOMEM", "true"], capture_output=True, text=True
    )
    return f"strace, which fails here: {tried.stderr.strip()}" if tried.returncode else None


def rule(call, error, when):
    return ["-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={when}"]


def calls_in(path):
    """The names of the calls, in their order."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return [found[1] for line in file if (found := CALL.match(line))]


def injected_in(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return sum("(INJECTED)" in line for line in file)


class Attached:
    """Traces a process from now on until it is lifted."""

    def __init__(self, pid, path, rules=()):
        self.path = path
        self.process = subprocess.Popen(
            ["strace", "-f", "-p", str(pid), "-o", path, *rules], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        said = b""
        deadline = time.monotonic() + ATTACH_S
        while b"attached" not in said:
            if select.select([self.process.stderr], [], [], 1)[0]:
                said += os.read(self.process.stderr.fileno(), 4096)
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Wrong(f"strace: {said.decode()}")

    def lift(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.process.stderr.close()


def becoming(path, rules, environment):
    """The command that becomes the command behind it, traced, with more in its environment."""
    more = [word for name, value in environment.items() for word in ("-E", f"{name}={value}")]
    return ["strace", "-D", "-I2", "-f", "-o", path, *more, *rules]


def lift(pid):
    """Whoever traces the process is asked to leave. Now and then strace waits for ever for a process that has just ended:
    then strace is killed, and the kernel lets go of the processes that strace traced."""
    for number, seconds in ((signal.SIGTERM, LEAVE_S), (signal.SIGKILL, ATTACH_S)):
        tracer = tracer_of(pid)
        if tracer:
            os.kill(tracer, number)
        deadline = time.monotonic() + seconds
        while tracer_of(pid) and time.monotonic() < deadline:
            time.sleep(0.001)
    if tracer_of(pid):
        raise Wrong("strace does not leave")


def tracer_of(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return int(re.search(r"^TracerPid:\s*(\d+)", file.read(), re.MULTILINE)[1])
    except (OSError, TypeError):
        return 0
