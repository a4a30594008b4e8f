# SPDX-License-Identifier: MIT
"""A copy of the tree to break, build and test."""

import os
import pathlib
import re
import resource
import select
import shutil
import signal
import subprocess
import tempfile
import time

BUILD_SECONDS = 600
# A broken program that takes memory or disk without end takes its own share alone.
LIMITS = {resource.RLIMIT_DATA: 3 << 30, resource.RLIMIT_FSIZE: 1 << 30, resource.RLIMIT_CORE: 0}
MARK = "MINIMIO_MUTATION"


def tracked(root):
    names = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, check=True
    ).stdout
    return [name for name in names.decode().split("\0") if name and (root / name).is_file()]


def suite_names(root):
    return re.findall(r"^Suite \*(\w+)_suite\(void\);", (root / "tests/main.c").read_text(), re.M)


def limit():
    os.nice(10)
    for what, most in LIMITS.items():
        resource.setrlimit(what, (most, most))


class Scratch:
    def __init__(self, root, name, flags):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"minimio-{name}-"))
        self.flags = flags
        self.mark = f"{os.getpid()}-{name}"
        for path in tracked(root):
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / path, self.folder / path)

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def put(self, path, number, line):
        file = self.folder / path
        lines = file.read_text().split("\n")
        lines[number - 1] = line
        file.write_text("\n".join(lines))

    # ---- Processes: whatever was started here carries the mark, in whichever session or process group it is by now.

    def start(self, command, **environment):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**inherited, MARK: self.mark, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=limit,
        )

    def end_all(self):
        wanted = f"{MARK}={self.mark}".encode()
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    os.kill(int(folder.name), signal.SIGKILL)
            except OSError:
                pass  # it has ended

    # ---- What is done with it

    def build(self):
        """Returns whether it builds, and what was said."""
        process = self.start(["make", "-s", "DEPS=no", *self.flags, "build", "tests"])
        try:
            said = process.communicate(timeout=BUILD_SECONDS)[0]
        except subprocess.TimeoutExpired:
            self.end_all()
            return False, "it hangs while it is built\n" + process.communicate()[0].decode(errors="replace")
        return process.returncode == 0, said.decode(errors="replace")

    def run(self, suite, seconds, **environment):
        """Runs a suite until its first failure. Returns None, or what failed."""
        temporary = tempfile.mkdtemp(prefix="minimio-suite-")
        results = os.path.join(temporary, "results")
        os.mkfifo(results)
        reader = os.open(results, os.O_RDONLY | os.O_NONBLOCK)
        process = self.start(
            ["build/tests/all"], CK_RUN_SUITE=suite, CK_TAP_LOG_FILE_NAME=results, MINIMIO_BUILD="build", TMPDIR=temporary,
            **environment,
        )
        try:
            return self.watch(process, reader, time.monotonic() + seconds)
        finally:
            self.end_all()
            os.close(reader)
            process.stdout.close()
            process.wait()
            shutil.rmtree(temporary, ignore_errors=True)

    @staticmethod
    def watch(process, results, until):
        """Reads what the process says, which nobody needs, and the results of its tests, until it has ended."""
        ended = os.pidfd_open(process.pid)
        poll = select.poll()
        for descriptor in (process.stdout.fileno(), results, ended):
            poll.register(descriptor, select.POLLIN)
        text = b""
        try:
            while True:
                ready = [descriptor for descriptor, _ in poll.poll(max(0, until - time.monotonic()) * 1000)]
                for descriptor in set(ready) - {ended}:
                    data = os.read(descriptor, 1 << 20)
                    if descriptor == results:
                        text += data
                    if not data:
                        poll.unregister(descriptor)
                failed = re.search(rb"^not ok \d+ - (.*)$", text, re.M)
                if failed:
                    return failed[1].decode(errors="replace")
                if ready == [ended]:  # and all that it wrote was read
                    return None if process.wait() == 0 else f"it ended with {process.returncode}"
                if not ready:
                    return "it hangs"
        finally:
            os.close(ended)
