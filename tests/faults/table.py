"""What was injected and what came of it, as a page to be kept: no numbers in it that another run would have otherwise."""

HEAD = """# What fails, and what comes of it

Made by `make faults-results`. Each allocation and each system call of the programs is made to fail, with each error that
the kernel has for it: each one alone ("once"), and all of them until the fault is lifted ("always"). What came of it:

- absorbed: every answer was as if nothing had failed, some of them later;
- told: a request was answered with an error that has a name;
- session ends: a client lost its session, and was served in the next one;
- waits: a client waited until the fault was lifted, and was then served;
- lost: the next binary could not go on with all of it, and said so;
- refuses, not handed over, exits: the program said why, and ended with a code of failure, or stayed as it was.

After each of them everything is served as it should be, nothing of it is left (descriptors, threads, memory), and the
daemon was never busy with it. None crashed, hung, or lost an event.
"""

PHASES = {
    "start": "The daemon starts",
    "serve": "The daemon serves",
    "hand over": "The daemon becomes another binary",
    "stop": "The daemon ends",
    "minimioctl": "minimioctl",
}

ORDER = ["absorbed", "told", "session ends", "waits", "not handed over", "refuses", "exits", "lost", "manager given up"]

FIXED = {
    "absorbed": "absorbed",
    "session ends": "session ends",
    "waits": "waits",
    "not handed over": "not handed over",
    "the next binary does not start": "refuses",
    "the manager is given up": "manager given up",
    "streams are lost": "lost",
}


def kinds(outcome):
    for part in outcome.split(", "):
        if part in FIXED:
            yield FIXED[part]
        elif part.startswith("refuses"):
            yield "refuses"
        elif part.startswith("ends with"):
            yield "exits"
        else:
            yield "told"


def cell(rows):
    found = {kind for row in rows for kind in kinds(row["outcome"])}
    return ", ".join(sorted(found, key=ORDER.index))


def lines(rows):
    """One for each call, and its errors that come to the same."""
    cells = {}
    for call, error in sorted({(row["call"], row["error"]) for row in rows}):
        those = [row for row in rows if (row["call"], row["error"]) == (call, error)]
        once = cell([row for row in those if not row["when"].endswith("+")])
        always = cell([row for row in those if row["when"].endswith("+")])
        cells.setdefault((call, once, always), []).append(error)
    for (call, once, always), names in cells.items():
        yield f"| {call} | {', '.join(names)} | {once} | {always} |"


def of(rows):
    text = HEAD
    for phase, title in PHASES.items():
        those = [row for row in rows if row["phase"] == phase]
        if those:
            text += f"\n## {title}\n\n| | error | once | always |\n|---|---|---|---|\n"
            text += "\n".join(lines(those)) + "\n"
    return text
