"""A daemon under test, and what it uses."""

import os
import select
import signal
import socket
import subprocess
import tempfile
import time

import allocations
import scenario
from scenario import Wrong

START_S = 20.0
END_S = 20.0
SETTLE_S = 15.0  # a question to a name server is forgotten later than its answer is due
TICKS = os.sysconf("SC_CLK_TCK")

CONFIGURATION = """[limits]
sessions = {sessions}
{access}[targets]
deny = *:9
"""


# The C library keeps stacks of threads that have ended, of two if two have met, and something for each; more than that,
# in all the rounds of one daemon, is lost.
KEPT_BLOCKS = 3

USES = ("descriptors", "threads", "blocks of memory")

LAST = [scenario.half_closed]  # a user is forgotten with a session of its own, not with what was closed for it

ACCESS = """[access]
users = {uid}, 4000000000
"""


class Daemon:
    def __init__(self, build, neighbours, folder, access=True):
        """`access`: it asks the C library for users."""
        self.neighbours = neighbours
        self.folder = tempfile.mkdtemp(dir=folder)
        self.path = os.path.join(self.folder, "minimio.sock")
        self.allocations = allocations.Allocations(os.path.join(self.folder, "allocations"))
        self.access = ACCESS.format(uid=os.getuid()) if access else ""
        self.sessions = 500
        self.rewrite()
        self.log = ""
        self.arguments = [
            os.path.join(build, "minimiod"), "--config", self.configuration, "--socket", self.path, "--store", "64",
            "--limit", "sessions_uid=400",
        ]  # fmt: skip
        self.environment = environment(build, self.allocations.path) | {
            "NAME_SERVER_PORT": str(neighbours.name_server_port),
            "NOTIFY_SOCKET": neighbours.notify,
            "FDSTORE": "64",
            "WATCHDOG_USEC": "200000",
        }
        self.wrapper = []  # a command that becomes the daemon
        self.process = None
        self.worn = False  # something is given up for good
        self.is_coverage_build = os.path.exists(os.path.join(build, "obj", "daemon", "main.gcno"))

    @property
    def configuration(self):
        return os.path.join(self.folder, "minimiod.conf")

    def rewrite(self):
        self.sessions ^= 1
        text = CONFIGURATION.format(sessions=self.sessions, access=self.access)
        with open(self.configuration, "w", encoding="ascii") as file:
            file.write(text)

    def start(self):
        self.process = subprocess.Popen(
            self.wrapper + self.arguments, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self.environment
        )
        os.set_blocking(self.process.stderr.fileno(), False)
        return self

    def read_log(self, wait_s=0.0):
        """Returns whether there was anything."""
        if not select.select([self.process.stderr], [], [], wait_s)[0]:
            return False
        text = self.process.stderr.read()
        self.log += (text or b"").decode(errors="replace")
        return bool(text)

    def await_listening(self, fault):
        """Returns whether it does; it may have said why not, and ended."""
        deadline = time.monotonic() + START_S
        patience = time.monotonic() + scenario.PATIENCE_S
        while " listening on " not in self.log and not self.answers():
            if not self.read_log(0.002) and self.process.poll() is not None:
                return False
            if time.monotonic() > patience:
                fault.waited()
            if time.monotonic() > deadline:
                raise Wrong(f"it neither starts nor ends: {self.log}")
        return True

    def answers(self):
        """What it logs may be what fails."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            return client.connect_ex(self.path) == 0

    def await_end(self, seconds=END_S):
        """Its exit code; None: it has not ended."""
        try:
            # Not before the log is read: a pipe that is full would have it wait.
            deadline = time.monotonic() + seconds
            while self.process.poll() is None and time.monotonic() < deadline:
                self.read_log(0.005)
            self.process.wait(0.001)
        except subprocess.TimeoutExpired:
            return None
        while self.read_log():
            pass
        return self.process.returncode

    def stop(self):
        """Ends it, where nothing is injected: it ends as it should."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.await_end()
        if code is None:
            self.kill()
            raise Wrong("it does not end")
        self.process.stderr.close()
        if code != 0:
            raise Wrong(f"it ended with {code}: {self.log[-2000:]}")

    def kill(self):
        if not self.process:
            return
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def world(self, fault):
        return scenario.World(fault, self.path, self.process.pid, self.neighbours, self.rewrite)

    def serve(self, parts=tuple(scenario.PARTS)):
        """Nothing is injected: everything is served as it should be."""
        fault = scenario.Fault()
        fault.strict = True
        scenario.run(self.world(fault), parts)

    # ---- What it uses -----------------------------------------------------------------------------------------------

    def _file(self, name):
        with open(f"/proc/{self.process.pid}/{name}", encoding="ascii") as file:
            return file.read()

    def cpu_s(self):
        fields = self._file("stat").rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def uses(self):
        """What must be as before once every client is gone, in the order of USES."""
        return (
            len(os.listdir(f"/proc/{self.process.pid}/fd")),
            len(os.listdir(f"/proc/{self.process.pid}/task")),
            self.allocations.live,
        )

    def settle(self, before):
        """Sessions end a turn after their clients."""
        deadline = time.monotonic() + SETTLE_S
        most = (before[0], before[1], before[2] + KEPT_BLOCKS)
        while any(now > then for now, then in zip(self.uses(), most)):
            if time.monotonic() > deadline:
                raise Wrong("; ".join(f"{a} {n} were {b}" for n, a, b in zip(USES, self.uses(), most) if a > b))
            self.read_log()
            self.serve(LAST)
            time.sleep(0.002)

    def settled(self, parts):
        """What it uses when it has served these more than once, and has come to rest."""
        for _ in range(3):
            self.serve(parts)
        same, now = 0, self.uses()
        while same < 15:
            time.sleep(0.002)
            self.serve(LAST)
            before, now = now, self.uses()
            same = same + 1 if now == before else 0
        return now


def environment(build, page):
    """What a program under test has of ours: nothing but what it needs."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C",
        "LD_PRELOAD": " ".join(
            os.path.realpath(os.path.join(build, "tests", name)) for name in ("fail_at.so", "name_server.so")
        ),
        "FAIL_AT": page,
    }
