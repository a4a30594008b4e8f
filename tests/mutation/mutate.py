#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Breaks the library, proto and the daemon in many ways, one at a time, and counts how many the tests notice.

Each mutant is built in a scratch copy of the tree. The suites that run its line come first, the quickest before the
others; then, while nothing has failed, all the rest. A failure counts when it repeats, or when the suite hangs.
"""

import argparse
import pathlib
import queue
import sys
import threading
import time

sys.dont_write_bytecode = True  # the tree stays as it is

import mutants
import runs
import scratch

ROOT = pathlib.Path(__file__).resolve().parents[2]
KNOWN = pathlib.Path(__file__).with_name("equivalent.txt")
LEAST_PERCENT = 90


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="how many mutants (200)")
    parser.add_argument("--seed", type=int, default=1, help="of the choice (1)")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="where what is known is kept (build)")
    parser.add_argument("--only", action="append", default=[], help="FILE:LINE of chosen ones that alone are run")
    return parser.parse_args()


def equivalents():
    """Those of which somebody has found that they change nothing: (file, old line, new line)."""
    for block in KNOWN.read_text().split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith("#")]
        if len(lines) > 3:
            yield lines[0], lines[1][1:].strip(), lines[2][1:].strip()


class Check:
    def __init__(self, given):
        self.given = given
        self.lock = threading.Lock()
        self.began = time.monotonic()
        self.results = []  # (mutant, who noticed or None)
        self.unsteady = 0
        self.invalid = 0
        self.left = given.count
        self.chosen = self.choose()
        self.errors = queue.Queue()

    def choose(self):
        equivalent = set(equivalents())
        for mutant in mutants.choose(ROOT, self.given.seed):
            if (mutant.path, mutant.old.strip(), mutant.new.strip()) not in equivalent:
                yield mutant

    def next(self):
        """The next to try. One that does not compile is none, and another is taken in its place."""
        with self.lock:
            if self.left == 0:
                return None
            self.left -= 1
            return next(self.chosen, None)

    def tell(self, mutant, noticed):
        with self.lock:
            self.results.append((mutant, noticed))
            print(
                f"{len(self.results):4} {time.monotonic() - self.began:6.0f} s  {mutant.path}:{mutant.line} "
                f"{mutant.kind}: {noticed or 'SURVIVES'}",
                flush=True,
            )

    # ---- One mutant

    def order(self, mutant):
        """Of the systemd suite only the daemon's files are any matter: it is the slowest."""
        seconds = self.runs["seconds"]
        running = self.runs["suites"].get(f"{mutant.path}:{mutant.line}", ())
        names = [name for name in seconds if name != "systemd" or mutant.path.startswith("daemon/")]
        return sorted(names, key=lambda name: (name not in running, name in runs.ELSEWHERE, seconds[name]))

    def noticed_by(self, copy, mutant):
        for suite in self.order(mutant):
            most = 15 + 6 * self.runs["seconds"][suite]
            failed = copy.run(suite, most)
            if failed and failed != "it hangs" and not copy.run(suite, most):
                with self.lock:
                    self.unsteady += 1
                continue
            if failed:
                return f"{suite}: {failed}"
        return None

    def check(self, copy, mutant):
        copy.put(mutant.path, mutant.line, mutant.new)
        built, said = copy.build()
        if built:
            self.tell(mutant, self.noticed_by(copy, mutant))
        elif "error:" in said:
            with self.lock:
                self.invalid += 1
                self.left += 1
        else:
            self.tell(mutant, "the build: " + (said.strip().split("\n") or [""])[0])
        copy.put(mutant.path, mutant.line, mutant.old)

    # ---- All

    def work(self, number):
        copy = scratch.Scratch(ROOT, f"mutant{number}", ["CFLAGS=-O1"])
        try:
            built, said = copy.build()
            if not built:
                raise RuntimeError(said)
            while mutant := self.next():
                if not self.given.only or f"{mutant.path}:{mutant.line}" in self.given.only:
                    self.check(copy, mutant)
        except Exception as error:  # told by the main thread
            self.errors.put(error)
        finally:
            copy.remove()

    def run(self):
        self.runs = runs.known(ROOT, self.given.build / "mutation.json")
        workers = [threading.Thread(target=self.work, args=(number,)) for number in range(self.given.jobs)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if not self.errors.empty():
            raise self.errors.get()
        return self.report()

    def report(self):
        survivors = [mutant for mutant, noticed in self.results if not noticed]
        print()
        for mutant in sorted(survivors, key=lambda mutant: (mutant.path, mutant.line)):
            print(mutant.diff(), end="\n\n")
        for name, of in (("room", lambda mutant: mutant.path.split("/")[0]), ("kind", lambda mutant: mutant.kind)):
            for value in sorted({of(mutant) for mutant, _ in self.results}):
                all_of_it = [noticed for mutant, noticed in self.results if of(mutant) == value]
                print(f"{name} {value}: {sum(map(bool, all_of_it))} of {len(all_of_it)}")
        total = len(self.results)
        percent = 100 * (total - len(survivors)) / total if total else 0
        print(
            f"{total - len(survivors)} of {total} mutants are noticed, {percent:.1f} %; seed {self.given.seed}; "
            f"{self.invalid} that did not compile were replaced, {self.unsteady} failures did not repeat"
        )
        return percent >= LEAST_PERCENT


if __name__ == "__main__":
    sys.exit(0 if Check(options()).run() else 1)
