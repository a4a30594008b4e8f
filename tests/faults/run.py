"""Has every allocation and every system call of the programs fail in turn, while they do all that they do.

usage: run.py BUILD [--whole] [--one-in N] [--only PHASE[:CALL]] [--json FILE] [--table FILE]
Without --whole: the first, the tenth and every one of each call, with one error. With it: those that EACH and STRIDE
say, with every error, and each allocation. --one-in: of the calls and the places of allocations, each Nth alone.
Exit status 77: nothing can be made to fail here.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # the sources' folder is not written to

import errors
import neighbours
import phases
import programs
import scenario
import table
import tracing
from daemon import Daemon
from scenario import Fault, Wrong

ROUNDS_MAX = 2000  # no program makes one call so often

SAMPLE_STEP = 31  # not each allocation, but each so many

SAMPLE_COMMANDS = 5
EACH, STRIDE = 6, 13  # of a call's, those that fail one after the other: the first ones each, later ones here and there

worker = None


class Worker:
    """A process that injects faults, and what is around its daemons."""

    def __init__(self, build, whole):
        self.build, self.whole = build, whole
        self.folder = tempfile.mkdtemp()
        self.neighbours = neighbours.Neighbours(self.folder)

    def daemon(self, access=True):
        """One that is not started yet."""
        return Daemon(self.build, self.neighbours, self.folder, access)


def become_worker(build, whole):
    global worker
    worker = Worker(build, whole)


# ---- System calls -------------------------------------------------------------------------------------------------


def cases(call, whole):
    """(error, rounds): the calls that fail, one after the other, until a round has no such call."""
    for error in errors.of(call) if whole else errors.of(call)[:1]:
        single = itertools.chain(range(1, EACH + 1), itertools.count(EACH + STRIDE, STRIDE)) if whole else (1, 10)
        last = () if error in errors.PASSING else ("1+",)
        yield error, itertools.chain(last, map(str, single))


def inject(phase, call, whole, once, where=""):
    """All faults of a call; `once(error, when)` returns how often it failed, and what came of it."""
    rows = []
    for error, rounds in cases(call, whole):
        for when in itertools.islice(rounds, ROUNDS_MAX):
            row = {"phase": phase, "call": call, "error": error, "when": when, "in": where}
            attempt(row, once, error, when)
            if row.get("hits") == 0:
                break
            rows.append(row)
            tell(row)
    return rows


def attempt(row, once, *fault):
    try:
        row["hits"], row["outcome"] = once(*fault)
    except Wrong as wrong:
        row["wrong"] = str(wrong)
    except Exception as other:  # a promise that nobody thought of
        row["wrong"] = repr(other)


def tell(row):
    """At once: a run that goes wrong is a long one."""
    if "wrong" in row:
        print("{phase}, {in}: {call} {error} {when}: {wrong}".format(**row), flush=True)


class Reused:
    """One daemon for many faults, and another one after a promise was broken."""

    def __init__(self, once, parts=tuple(scenario.PARTS), access=True):
        self.once, self.parts, self.access, self.daemon = once, parts, access, None

    def __call__(self, *arguments):
        if not self.daemon or self.daemon.worn or self.daemon.process.poll() is not None:
            self.close()
            self.daemon = worker.daemon(self.access).start()
            self.daemon.await_listening(Fault())
            self.before = self.daemon.settled(self.parts)
        try:
            return self.once(self.daemon, self.before, *arguments)
        except BaseException:
            self.close()
            raise

    def close(self):
        if self.daemon:
            self.daemon.kill()
            self.daemon = None


def in_daemon(phase, call):
    def once(daemon, before, error, when):
        def injection(its):
            return phases.Calls(its, call, error, when)

        return phases.serve(daemon, before, injection) if phase == "serve" else phases.hand_over(daemon, injection)

    reused = Reused(once)
    try:
        return inject(phase, call, worker.whole, reused)
    finally:
        reused.close()


# What went wrong once: each one of these, in this part of the service.
DIRECTED = [
    ("accept4", "EPERM", scenario.small_talk),  # the daemon asked again at once, and again
    ("epoll_ctl", "ENOMEM", scenario.named),  # a oneshot was not armed again, nor its readiness told
    ("epoll_ctl", "ENOMEM", scenario.unread),  # the session ended
    ("sendmsg", "EPIPE", scenario.named),  # the service manager was told nothing more
    ("sendto", "ENOBUFS", scenario.unread),  # the rest of the output was never sent
    ("sendto", "EPIPE", scenario.small_talk),  # the client waited for ever
]


def directed(which):
    call, error, part = DIRECTED[which]

    def once(daemon, before, when):
        return phases.serve(daemon, before, lambda its: phases.Calls(its, call, error, when), [part])

    reused = Reused(once, [part])
    rows = []
    try:
        for when in itertools.chain(("1+",), map(str, range(1, ROUNDS_MAX))):
            row = {"phase": "serve", "call": call, "error": error, "when": when, "in": part.__name__}
            attempt(row, reused, when)
            if row.get("hits") == 0:
                break
            rows.append(row)
            tell(row)
        return rows
    finally:
        reused.close()


def shift(when, offset):
    number = when.rstrip("+")
    return str(int(number) + offset) + when[len(number) :]


def in_start(call, offset):
    """`offset`: the loader makes so many of them before the program begins."""

    def once(error, when):
        return phases.start(
            worker.daemon(), lambda daemon: phases.CallsFromStart(daemon, call, error, shift(when, offset))
        )

    return inject("start", call, worker.whole, once)


def in_stop(call):
    def once(error, when):
        return phases.stop(worker.daemon(), lambda daemon: phases.Calls(daemon, call, error, when))

    return inject("stop", call, worker.whole, once)


# ---- Allocations --------------------------------------------------------------------------------------------------


# Without `access`: the GNU C library's first look at nsswitch.conf ends the process where it has no memory for it, in
# nss_database.c, which is for no program to prevent.


def starve(phase, where, step, once):
    """Each `step`th allocation fails, alone and with all later ones, until a round has none to fail."""
    rows = []
    for more in ("", "+"):
        for n in range(1, ROUNDS_MAX, step):
            row = {"phase": phase, "call": "allocation", "error": "ENOMEM", "when": f"{n}{more}", "in": where}
            attempt(row, once, f"{n}{more}")
            if row.get("hits") == 0:
                break
            rows.append(row)
            tell(row)
    return rows


def memory_in_daemon(phase, part, step):
    def once(daemon, before, when):
        def injection(its):
            return phases.Memory(its, when)

        if phase == "hand over":
            return phases.hand_over(daemon, injection)
        return phases.serve(daemon, before, injection, parts)

    parts = [scenario.PARTS[part]]
    reused = Reused(once, parts, access=phase != "hand over")
    try:
        return starve(phase, scenario.PARTS[part].__name__ if phase == "serve" else phase, step, reused)
    finally:
        reused.close()


def memory_in_start(step):
    return starve(
        "start",
        "start",
        step,
        lambda when: phases.start(worker.daemon(access=False), lambda daemon: phases.MemoryFromStart(daemon, when)),
    )


def memory_in_stop(step):
    return starve(
        "stop", "stop", step, lambda when: phases.stop(worker.daemon(), lambda daemon: phases.Memory(daemon, when))
    )


# ---- minimioctl ---------------------------------------------------------------------------------------------------


def in_program(which, step, whole):
    daemon = worker.daemon().start()
    try:
        daemon.await_listening(Fault())
        program = programs.Program(worker.build, daemon, which)
        rows = starve("minimioctl", program.name, step, program.with_memory)
        for call, offset in program.calls().items():

            def once(error, when, call=call, offset=offset):
                return program.with_call(call, error, shift(when, offset))

            rows += inject("minimioctl", call, whole, once, program.name)
        daemon.serve()
        daemon.stop()
        return rows
    finally:
        daemon.kill()


# ---- What there is to do ------------------------------------------------------------------------------------------


def counted(calls):
    return {call: calls.count(call) for call in sorted(set(calls)) if errors.of(call)}


def find_calls():
    """The system calls of each phase; for the start, how many the loader makes of each before."""
    daemon = worker.daemon()
    found = {}
    try:
        path = phases.trace_from_start(daemon, [])
        daemon.start()
        daemon.await_listening(Fault())
        tracing.lift(daemon.process.pid)
        calls = tracing.calls_in(path)
        begun = calls.index("rt_sigprocmask")  # the first call of its own
        found["start"] = (counted(calls[begun:]), counted(calls[:begun]))
        daemon.serve()
        found["serve"] = (traced(daemon, daemon.serve), {})
        found["hand over"] = (traced(daemon, lambda: handed_over(daemon)), {})
        found["stop"] = (traced(daemon, lambda: stopped(daemon)), {})
    finally:
        daemon.kill()
    return found


def traced(daemon, use):
    path = os.path.join(daemon.folder, "trace")
    tracer = tracing.Attached(daemon.process.pid, path)
    use()
    tracer.lift()
    return counted(tracing.calls_in(path))


def handed_over(daemon):
    kept = phases.Kept(daemon)
    daemon.process.send_signal(phases.signal.SIGUSR2)
    kept.session.end()
    phases.serves_again(daemon, Fault())
    kept.assert_there(Fault(), "")
    kept.close()


def stopped(daemon):
    kept = phases.Kept(daemon)
    daemon.process.send_signal(phases.signal.SIGTERM)
    daemon.await_end()
    kept.close()


def tasks(found, whole):
    """(phase, call, function, its arguments)"""
    for phase, (calls, offsets) in found.items():
        for call in calls:
            if phase == "start":
                yield phase, call, in_start, (call, offsets.get(call, 0))
            elif phase == "stop":
                yield phase, call, in_stop, (call,)
            elif phase == "serve" or not errors.is_of_the_loader(call):
                yield phase, call, in_daemon, (phase, call)
    step = 1 if whole else SAMPLE_STEP
    yield "start", "allocation", memory_in_start, (step,)
    yield "stop", "allocation", memory_in_stop, (step,)
    yield "hand over", "allocation", memory_in_daemon, ("hand over", 0, step)
    for part in range(len(scenario.PARTS)):
        yield "serve", "allocation", memory_in_daemon, ("serve", part, step)
    for which, (call, _, _) in enumerate(DIRECTED):
        yield "serve", call, directed, (which,)
    for which, (name, _, _) in enumerate(programs.COMMANDS):
        if whole or which % SAMPLE_COMMANDS == 0:
            yield "minimioctl", name, in_program, (which, step, whole)


def perform(function, arguments):
    return function(*arguments)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--one-in", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--json")
    parser.add_argument("--table")
    options = parser.parse_args()
    reason = tracing.why_not()
    if reason or not os.path.exists(os.path.join(options.build, "tests", "fail_at.so")):
        print("skipped: needs", reason or "a build with glibc's allocator")
        return 77
    began = time.monotonic()
    rows = perform_all(options)
    report(options, rows, time.monotonic() - began)
    return 1 if any("wrong" in row for row in rows) else 0


def perform_all(options):
    folder = tempfile.mkdtemp(prefix="minimio-faults-")
    tempfile.tempdir = folder
    become_worker(options.build, options.whole)
    rows = []
    try:
        wanted = [
            (function, arguments)
            for phase, call, function, arguments in tasks(find_calls(), options.whole)
            if f"{phase}:{call}:".startswith(options.only)
        ][:: options.one_in]
        with concurrent.futures.ProcessPoolExecutor(
            os.cpu_count(), initializer=become_worker, initargs=(options.build, options.whole)
        ) as pool:
            for more in pool.map(perform, *zip(*wanted)):
                rows += more
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return rows


def report(options, rows, seconds):
    wrong = [row for row in rows if "wrong" in row]
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
    if options.table and not wrong:
        with open(options.table, "w", encoding="utf-8") as file:
            file.write(table.of(rows))
    print(f"faults: {len(rows)} injected in {seconds:.0f} s, {len(wrong)} went wrong")


if __name__ == "__main__":
    sys.exit(main())
