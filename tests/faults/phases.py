"""The times at which something fails in a daemon: its start, its service, its hand-over, its end.

Each function injects one fault, and returns what came of it; what must not be is a Wrong.
"""

import os
import signal
import socket
import time

import scenario
import tracing
from scenario import Fault, Wrong

REFUSAL = "not handed over"
FAREWELL_S = 3  # clients have a second to read what it says
CPU_S = 1.0  # no fault keeps the daemon busy for as long
HITS = 400  # nor has it the same failing call made so often, while a client waits
COVERAGE_HITS = 20_000  # gcov seeks this often while it writes the counters, before exec


def outcome(fault):
    return ", ".join(sorted(fault.told)) or "absorbed"


def assert_ended_well(daemon, code, silent):
    """It may refuse to go on, if it says why."""
    if code is None:
        raise Wrong("it does not end")
    if code < 0:
        raise Wrong(f"it is ended by signal {-code}: {daemon.log[-1000:]}")
    if code != 0 and not silent and not daemon.log.strip():
        raise Wrong(f"it ended with {code} and said nothing")


class Calls:
    """A system call that fails in a process that runs, until it is lifted."""

    def __init__(self, daemon, call, error, when):
        self.lasts = when.endswith("+")
        self.silent = call == "write"  # nothing can be said then
        self.path = os.path.join(daemon.folder, "trace")
        self.tracer = tracing.Attached(daemon.process.pid, self.path, tracing.rule(call, error, when))

    def lift(self):
        if self.tracer:
            self.tracer.lift()
            self.tracer = None

    def hits(self):
        self.lift()
        return tracing.injected_in(self.path)


class CallsFromStart:
    """A system call that fails from the daemon's first one on."""

    def __init__(self, daemon, call, error, when):
        self.lasts = when.endswith("+")
        self.silent = call == "write"
        self.daemon = daemon
        self.path = trace_from_start(daemon, tracing.rule(call, error, when))
        daemon.start()

    def lift(self):
        tracing.lift(self.daemon.process.pid)

    def hits(self):
        self.lift()
        return tracing.injected_in(self.path)


class Memory:
    """An allocation that fails, or all from there on until it is lifted."""

    silent = False

    def __init__(self, daemon, when):
        self.lasts = when.endswith("+")
        self.allocations = daemon.allocations
        self.allocations.fail(int(when.rstrip("+")), self.lasts)

    def lift(self):
        self.allocations.stop()

    def hits(self):
        self.lift()
        return self.allocations.failed


class MemoryFromStart(Memory):
    def __init__(self, daemon, when):
        super().__init__(daemon, when)
        daemon.start()


def trace_from_start(daemon, rules):
    own = {name: daemon.environment.pop(name) for name in ("LD_PRELOAD", "FAIL_AT")}
    path = os.path.join(daemon.folder, "trace")
    daemon.wrapper = tracing.becoming(path, rules, own)
    return path


def fault_of(injected):
    return Fault(injected.lift if injected.lasts else None)


# ---- Service ------------------------------------------------------------------------------------------------------


def serve(daemon, before, inject, parts=tuple(scenario.PARTS)):
    """Clients use everything while it fails; afterwards all is served, and nothing is left of it."""
    cpu_s = daemon.cpu_s()
    injected = inject(daemon)
    fault = fault_of(injected)
    try:
        scenario.run(daemon.world(fault), parts)
    except ConnectionRefusedError:
        pass  # it has ended
    finally:
        hits = injected.hits()
    if daemon.process.poll() is not None:
        daemon.await_end()
        raise Wrong(f"it ended with {daemon.process.returncode}: {daemon.log[-1000:]}")
    assert_idle(daemon, cpu_s, hits)
    daemon.serve(parts)
    daemon.settle(before)
    if "is told nothing more" in daemon.log:
        fault.told.add("the manager is given up")
        daemon.worn = True
    return hits, outcome(fault)


def assert_idle(daemon, cpu_s, hits):
    used_s = daemon.cpu_s() - cpu_s
    if used_s > CPU_S or hits > (COVERAGE_HITS if daemon.is_coverage_build else HITS):
        raise Wrong(f"it is busy: {used_s:.2f} s of CPU, {hits} times")


# ---- Start --------------------------------------------------------------------------------------------------------


def start(daemon, inject):
    try:
        injected = inject(daemon)
        fault = fault_of(injected)
        if daemon.await_listening(fault):
            return started(daemon, injected, fault)
        code = daemon.await_end()
        assert_ended_well(daemon, code, injected.silent)
        if code == 0:
            raise Wrong("it ended as if all were well")
        return injected.hits(), f"refuses to start ({code})"
    finally:
        daemon.kill()


def started(daemon, injected, fault):
    hits = injected.hits()
    daemon.serve()
    daemon.stop()
    return hits, outcome(fault)


# ---- A named loop that is to stay, through what follows ------------------------------------------------------------


class Kept:
    """A session in a named loop with a stream that has something to read."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.ours, theirs = socket.socketpair()
        self.session = daemon.world(Fault()).session()
        self.session.fault.strict = True
        if not self.session.good("open_loop", name="over", takeover=True)["created"]:
            self.session.good("close_loop")
            self.session.good("open_loop", name="over")
        self.session.good("register", (theirs.fileno(),), token=1, fd=True, mode="edge")
        theirs.close()
        self.session.good("register", token=2, address=daemon.neighbours.address)
        self.session.event(2, "readable")
        self.ours.send(b"x")
        self.session.event(1, "readable")

    def close(self):
        self.session.close()
        self.ours.close()

    def assert_there(self, fault, log):
        """All of it, or the daemon says that it is lost."""
        if "lost" in log:
            fault.told.add("streams are lost")
            return
        fault = Fault()
        fault.strict = True
        with self.daemon.world(fault).session() as s:
            result = s.good("open_loop", name="over", takeover=True)
            if result["created"] or result["registrations"] != 2:
                raise Wrong(f"the named loop is lost: {result}")
            s.event(1, "readable")
            s.event(2, "readable")
            s.good("close_loop")


# ---- Hand-over ----------------------------------------------------------------------------------------------------


def hand_over(daemon, inject):
    """Either binary goes on, with every stream; or the next one says why it does not start."""
    kept = Kept(daemon)
    cpu_s = daemon.cpu_s()
    injected = inject(daemon)
    fault = fault_of(injected)
    begun = len(daemon.log)
    try:
        daemon.process.send_signal(signal.SIGUSR2)
        kept.session.fault = fault
        await_answer(daemon, kept.session, begun)
        goes_on = serves_again(daemon, fault)
    finally:
        hits = injected.hits()
        kept.close()
    if not goes_on:
        code = daemon.await_end()
        assert_ended_well(daemon, code, injected.silent)
        if code == 0:
            raise Wrong("it ended as if all were well")
        return hits, "the next binary does not start"
    assert_idle(daemon, cpu_s, hits)
    daemon.read_log()
    kept.assert_there(fault, daemon.log[begun:])
    daemon.serve()
    daemon.read_log()
    if REFUSAL in daemon.log[begun:]:
        fault.told.add(REFUSAL)
    return hits, outcome(fault)


def await_answer(daemon, session, begun):
    """The session ends where the daemon takes leave; it stays where there is no hand-over."""
    deadline = time.monotonic() + scenario.ANSWER_S
    patience = time.monotonic() + scenario.PATIENCE_S
    while REFUSAL not in daemon.log[begun:] and daemon.process.poll() is None:
        if session.has_ended(0.002):
            return
        daemon.read_log()
        if time.monotonic() > patience:
            session.fault.waited()
        if time.monotonic() > deadline:
            raise Wrong("there is neither a hand-over nor a refusal")


def serves_again(daemon, fault):
    """A client that comes now waits for whichever binary is there."""
    while daemon.process.poll() is None:
        try:
            with daemon.world(fault).session() as s:
                s.good("ping")
                return True
        except (scenario.Ended, ConnectionError, FileNotFoundError):
            daemon.read_log(0.05)
            if daemon.process.poll() is None:
                fault.waited()
    return False


# ---- The end ------------------------------------------------------------------------------------------------------


def stop(daemon, inject):
    try:
        daemon.start()
        daemon.await_listening(Fault())
        kept = Kept(daemon)
        injected = inject(daemon)
        fault = fault_of(injected)
        daemon.process.send_signal(signal.SIGTERM)
        code = daemon.await_end(FAREWELL_S)
        if code is None:
            fault.waited()
            code = daemon.await_end()
        hits = injected.hits()
        kept.session.end()
        kept.close()
        assert_ended_well(daemon, code, injected.silent)
        return hits, outcome(fault) if code == 0 else f"ends with {code}"
    finally:
        daemon.kill()
