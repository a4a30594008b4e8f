# SPDX-License-Identifier: MIT
"""Which suites run which line, and how long each suite takes; kept for the next run over the same sources."""

import hashlib
import json
import subprocess
import time

from scratch import Scratch, suite_names, tracked

FLAGS = ["CFLAGS=-std=gnu11 -O0 -g --coverage", "LDFLAGS=--coverage"]
# These are built and started elsewhere, and leave no counters here; what they take is a guess.
ELSEWHERE = {"installed": 20, "systemd": 40}
# What it expects comes 100 ms apart, from other programs: that is no matter of the mutants', and of a busy machine's.
OMITTED = ("client_scripts",)
SECONDS = 300


def digest(root):
    sum_of_all = hashlib.sha256()
    for path in sorted(tracked(root)):
        if path.endswith((".c", ".h", "Makefile", ".sh", ".py")) and "mutation" not in path:
            sum_of_all.update(path.encode() + b"\0" + (root / path).read_bytes())
    return sum_of_all.hexdigest()


def lines_run(folder):
    counters = [str(path.relative_to(folder)) for path in (folder / "build/obj").rglob("*.gcda") if "tests" not in path.parts]
    said = subprocess.run(["gcov", "--json-format", "--stdout", *counters], cwd=folder, capture_output=True, check=True).stdout
    for text in said.splitlines():
        for file in json.loads(text)["files"]:
            for line in file["lines"]:
                if line["count"] > 0:
                    yield f"{file['file']}:{line['line_number']}"


def gather(root):
    copy = Scratch(root, "coverage", FLAGS)
    suites, seconds = {}, {}
    try:
        built, said = copy.build()
        if not built:
            raise SystemExit(said)
        for suite in suite_names(root):
            if suite in OMITTED:
                continue
            for path in copy.folder.rglob("*.gcda"):
                path.unlink()
            began = time.monotonic()
            if suite not in ELSEWHERE:
                failed = copy.run(suite, SECONDS, CC="gcc --coverage", CK_TIMEOUT_MULTIPLIER="5")
                if failed:
                    raise SystemExit(f"{suite} fails as it is: {failed}")
                for line in sorted(set(lines_run(copy.folder))):
                    suites.setdefault(line, []).append(suite)
            seconds[suite] = ELSEWHERE.get(suite, time.monotonic() - began)
        return {"suites": suites, "seconds": seconds}
    finally:
        copy.remove()


def known(root, kept):
    """The same, from the file where a run before left it."""
    now = digest(root)
    if kept.exists():
        found = json.loads(kept.read_text())
        if found["digest"] == now:
            return found
    found = gather(root)
    found["digest"] = now
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(found))
    return found
