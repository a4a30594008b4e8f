# SPDX-License-Identifier: MIT
"""The daemon of a build, and what the system knows of it."""
import ctypes
import os
import signal
import subprocess
import tempfile

from wire import Violation

BUILD = os.environ.get("MINIMIO_BUILD", "build")
LAST_BYTES = 4000
PR_SET_PDEATHSIG = 1


def end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Daemon:
    def __init__(self, *arguments):
        self.folder = tempfile.TemporaryDirectory(prefix="minimio-test-")
        self.path = os.path.join(self.folder.name, "minimio.sock")
        self.log = open(os.path.join(self.folder.name, "log"), "w+b")
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "minimiod"), "--socket", self.path, *arguments], stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, preexec_fn=end_with_parent,
        )
        while b"listening" not in (line := self.process.stderr.readline()):
            if not line:
                raise Violation("the daemon does not start")
        # What it says from here on, a sanitizer's report too, is kept in a file, so that no full pipe holds it up.
        self.copying = subprocess.Popen(["cat"], stdin=self.process.stderr, stdout=self.log)
        self.process.stderr.close()

    def said(self):
        self.log.flush()
        with open(self.log.name, "rb") as log:
            return log.read()[-LAST_BYTES:].decode(errors="replace")

    def is_alive(self):
        return self.process.poll() is None

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_ns(self):
        with open(f"/proc/{self.process.pid}/schedstat", encoding="ascii") as stat:
            return int(stat.read().split()[0])

    def private_kib(self):
        """Memory that is the daemon's alone."""
        with open(f"/proc/{self.process.pid}/smaps_rollup", encoding="ascii") as rollup:
            return sum(int(line.split()[1]) for line in rollup if line.startswith("Private_"))

    def has_sanitizer(self):
        """Then its memory says nothing."""
        with open(f"/proc/{self.process.pid}/maps", encoding="ascii") as maps:
            return any("san.so" in line for line in maps)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def hand_over(self):
        """To its own binary: the process and the listening socket stay."""
        self.process.send_signal(signal.SIGUSR2)

    def stop(self):
        """Ends it; its exit status, which a sanitizer's leak check has a say in."""
        self.process.terminate()
        status = self.process.wait(60)
        self.copying.wait(60)
        return status

    def discard(self):
        self.process.kill()
        self.process.wait()
        self.copying.wait()
        self.log.close()
        self.folder.cleanup()
