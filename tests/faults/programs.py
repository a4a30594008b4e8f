"""minimioctl, command by command, while something fails in it: it does its work, or says why it does not, and ends."""

import os
import signal
import subprocess
import tempfile

import allocations
import errors
import tracing
from daemon import environment
from scenario import Fault, Session, Wrong

END_S = 20.0
OPTIONS = ("--timeout", "2s")
LOOP = "of-minimioctl"
IN_LOOP = ("--loop", LOOP, "--takeover")
REQUESTS = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n[{"jsonrpc":"2.0","id":2,"method":"hello"}]\n'

# (name, arguments, standard input); ADDRESS is a server that greets, and the loop has a stream to it with the token 1.
COMMANDS = [
    ("help", ("--help",), b""),
    ("completions", ("completions", "bash"), b""),
    ("ping", ("ping",), b""),
    ("hello", ("hello",), b""),
    ("stats", ("stats", "--json"), b""),
    ("loops", ("loops",), b""),
    ("discover", ("discover",), b""),
    ("call", ("call", "loops", '{"limit":5}'), b""),
    ("batch", ("batch",), REQUESTS),
    ("watch", ("watch", "--count", "1", "ADDRESS"), b""),
    ("watch --exec", ("watch", "--json", "--count", "1", "--exec", "true", "ADDRESS"), b""),
    ("wait", ("wait", "ADDRESS", "--", "true"), b""),
    ("wait --json", ("wait", "--json", "ADDRESS"), b""),
    ("connect", ("connect", "ADDRESS"), b"x"),
    ("register", ("register", *IN_LOOP, "2", "ADDRESS"), b""),
    ("register fd", ("register", *IN_LOOP, "2", "fd:FD"), b""),
    ("reregister", ("reregister", *IN_LOOP, "1"), b""),
    ("deregister", ("deregister", *IN_LOOP, "1"), b""),
    ("take", ("take", *IN_LOOP, "1", "--", "true"), b""),
    ("read", ("read", *IN_LOOP, "1"), b""),
    ("write", ("write", *IN_LOOP, "1"), b"x"),
    ("shutdown", ("shutdown", *IN_LOOP, "1", "write"), b""),
    ("events", ("events", *IN_LOOP, "--count", "1"), b""),
    ("run", ("run", *IN_LOOP, "--count", "1", "--", "true"), b""),
    ("run --back", ("run", *IN_LOOP, "--back", "--count", "1", "--", "true"), b""),
    ("write nothing", ("write", *IN_LOOP, "1"), b""),
    ("list", ("list", *IN_LOOP), b""),
    ("close-loop", ("close-loop", *IN_LOOP), b""),
    ("top", ("top", "--interval", "10ms", "--count", "2"), b""),
]


class Program:
    """One command, beside a daemon in which nothing fails."""

    def __init__(self, build, daemon, which):
        self.daemon = daemon
        self.name, arguments, self.input = COMMANDS[which]
        self.path = os.path.join(build, "minimioctl")
        self.common = ("--socket", daemon.path, *OPTIONS)
        self.template = arguments
        self.folder = tempfile.mkdtemp(dir=daemon.folder)
        self.allocations = allocations.Allocations(os.path.join(self.folder, "allocations"))
        self.environment = environment(build, self.allocations.path) | {"FAIL_AT_ALONE": "1"}
        self.trace = os.path.join(self.folder, "trace")
        self.prints = bool(self.run([])[1])

    def prepare(self):
        """A loop that nobody is in, with a stream in it."""
        fault = Fault()
        fault.strict = True
        with Session(fault, self.daemon.path) as session:
            if not session.good("open_loop", name=LOOP, takeover=True)["created"]:
                session.good("close_loop")
                session.good("open_loop", name=LOOP)
            session.good("register", token=1, address=self.daemon.neighbours.address)
            session.event(1, "readable")

    def run(self, wrapper, own_environment=None):
        """(exit code, output, complaints)"""
        self.prepare()
        reader, writer = os.pipe()
        values = {"ADDRESS": self.daemon.neighbours.address, "fd:FD": f"fd:{reader}"}
        arguments = [values.get(word, word) for word in self.template]
        command = [*wrapper, self.path, arguments[0], *self.common, *arguments[1:]]
        if arguments[0] in ("--help", "completions"):
            command = [*wrapper, self.path, *arguments]
        try:
            ended = subprocess.run(
                command,
                input=self.input,
                capture_output=True,
                env=own_environment or self.environment,
                timeout=END_S,
                pass_fds=(reader,),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Wrong("it does not end") from None
        finally:
            os.close(reader)
            os.close(writer)
        return ended.returncode, ended.stdout, ended.stderr

    def judge(self, code, output, complaints, silent=False, signals=()):
        if -code in signals:
            return f"ends with {code}"
        if code < 0 or code in (134, 139):
            raise Wrong(f"it is ended by signal {-code}: {complaints!r}")
        if code != 0 and not complaints and not output and not silent:
            raise Wrong(f"it ended with {code} and said nothing")
        if code == 0 and self.prints and not output:
            raise Wrong("it printed nothing, and ended as if all were well")
        return f"ends with {code}" if code else "absorbed"

    def with_memory(self, when):
        self.allocations.fail(int(when.rstrip("+")), when.endswith("+"))
        result = self.run([])
        self.allocations.stop()
        return self.allocations.failed, self.judge(*result)

    def traced(self, rules, path):
        own = {name: value for name, value in self.environment.items() if name not in ("LD_PRELOAD", "FAIL_AT")}
        more = ["-E", f"LD_PRELOAD={self.environment['LD_PRELOAD']}"]
        return self.run(["strace", "-o", path, *more, *rules], own)

    def with_call(self, call, error, when):
        result = self.traced(tracing.rule(call, error, when), self.trace)
        # As of every program whose reader has gone.
        signals = (signal.SIGPIPE,) if error == "EPIPE" else ()
        return tracing.injected_in(self.trace), self.judge(*result, call in ("write", "writev"), signals)

    def calls(self):
        """{call: how many the loader makes before}, of those that it makes itself."""
        self.traced([], self.trace)
        every = tracing.calls_in(self.trace)
        self.template, template = ("--help",), self.template
        self.traced([], self.trace)
        self.template = template
        before = tracing.calls_in(self.trace)
        before = before[: before.index("write")] if "write" in before else before
        becomes_another = every.count("execve") > 1
        return {
            call: before.count(call)
            for call in sorted(set(every))
            if errors.of(call) and every.count(call) > before.count(call) and not (becomes_another and errors.is_of_the_loader(call))
        }
