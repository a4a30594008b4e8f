#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the machines by turns against a daemon: for about MINIMIO_MODEL_S seconds, in rounds of a seed each.

usage: MINIMIO_BUILD=BUILD tests/model/run.py
MINIMIO_TEST_SEED=N runs the round of that seed alone, and reduces what fails."""
import os
import random
import sys
import time

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from history import History
from machine import Machine
from shared_machine import SharedMachine

SECONDS = float(os.environ.get("MINIMIO_MODEL_S", "10"))
EXAMPLES, STEPS = 25, 40  # a round
MACHINES = (Machine, SharedMachine)  # the seed chooses


def run_round(number, reduce):
    phases = (Phase.generate, Phase.shrink) if reduce else (Phase.generate,)
    how = settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, database=None, phases=phases,
                   print_blob=False, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(seed(number)(MACHINES[number % len(MACHINES)]), settings=how)


def explain(number, error):
    print(f"seed {number} failed; again with MINIMIO_TEST_SEED={number} tests/model/run.sh", file=sys.stderr)
    print(History.failure, file=sys.stderr)
    for note in getattr(error, "__notes__", []):
        print(note, file=sys.stderr)
    print(f"{type(error).__name__}: {error}", file=sys.stderr)


def run():
    wanted = os.environ.get("MINIMIO_TEST_SEED")
    first = int(wanted) if wanted else random.SystemRandom().randrange(1 << 31)
    until = time.monotonic() + (0 if wanted else SECONDS)
    number = first
    while number == first or time.monotonic() < until:
        try:
            run_round(number, bool(wanted))
        except Exception as error:  # whatever it is: the machine's own faults too
            explain(number, error)
            return 1
        number += 1
    print(f"seeds {first} to {number - 1}: {(number - first) * EXAMPLES} histories of up to {STEPS} steps")
    return 0


def end_daemon():
    """A sanitizer that has found a leak says so here."""
    daemon = History.daemon
    if not daemon:
        return 0
    try:
        status = daemon.stop()
        if status:
            print(f"the daemon ended with {status}\n{daemon.said()}", file=sys.stderr)
        return status
    finally:
        daemon.discard()


failed = run()
sys.exit(1 if end_daemon() or failed else 0)
