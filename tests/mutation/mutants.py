# SPDX-License-Identifier: MIT
"""The ways in which a line of C is broken, and a seeded choice among all of them."""

import random
import re
from dataclasses import dataclass

ROOMS = ("libminimio", "proto", "daemon")

SWAPS = {
    "comparison": {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="},
    "logic": {"&&": "||", "||": "&&"},
    "arithmetic": {"+": "-", "-": "+", "*": "/", "+=": "-=", "-=": "+="},
    "bits": {"|": "&", "&": "|", "|=": "&=", "<<": ">>", ">>": "<<"},
}
SWAPPED = {old: (kind, new) for kind, pairs in SWAPS.items() for old, new in pairs.items()}

# clang-format puts spaces around every binary operator, and around no other.
OPERATOR = re.compile(r"(?<= )(" + "|".join(map(re.escape, sorted(SWAPPED, key=len, reverse=True))) + r")(?= )")
NUMBER = re.compile(r"(?<![\w.])(\d+)([uUlL]*)(?![\w.])")
CONDITION = re.compile(r"\bif \((?P<condition>.*)\)(?= \{$|$| [a-z])")
NEGATION = re.compile(r"!(?=[a-z_(])")
CALL = re.compile(r"^ +(?:[a-z]\w*(?:->|\.))*[a-z]\w*\(.*\);$")
ASSIGNMENT = re.compile(r"^ +\*?[a-z][\w>.\[\]-]* [|+&-]?= .*;$")
STEP = re.compile(r"\+\+|--")
RETURN = re.compile(r"\breturn (?P<value>[^;]+);")
OPPOSITES = {"true": "false", "false": "true", "0": "-1", "NULL": None}

LITERAL = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


@dataclass(frozen=True)
class Mutant:
    path: str
    line: int  # from 1
    kind: str
    old: str
    new: str

    def diff(self):
        return f"{self.path}:{self.line} ({self.kind})\n-{self.old}\n+{self.new}"


def blank(text):
    """The same text with spaces for what is no code: comments, texts, directives but #define."""
    text = LITERAL.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    return re.sub(r"^#(?!define).*$", "", text, flags=re.M)


def replacements(line, code):
    """(kind, new line) for each way to break a line; code is what is code of it."""

    def put(found, new, group=0):
        return line[: found.start(group)] + new + line[found.end(group) :]

    if code.startswith("#define"):
        found = NUMBER.search(code, len("#define") + 1)
        if found:
            yield "constant", put(found, str(int(found[1]) + 1) + found[2])
        return
    if not code.startswith(" "):  # a declaration, or the head of a function
        return
    for found in OPERATOR.finditer(code):
        kind, new = SWAPPED[found[1]]
        yield kind, put(found, new)
    for found in NUMBER.finditer(code):
        yield "constant", put(found, str(int(found[1]) + 1) + found[2])
    for found in NEGATION.finditer(code):
        yield "negation", put(found, "")
    for found in STEP.finditer(code):
        yield "arithmetic", put(found, "--" if found[0] == "++" else "++")
    found = CONDITION.search(code)
    if found and found["condition"].count("(") == found["condition"].count(")"):
        condition = line[found.start("condition") : found.end("condition")]
        yield "condition", put(found, f"!({condition})", "condition")
    found = RETURN.search(code)
    if found:
        new = OPPOSITES.get(found["value"], "0")
        if new:
            yield "return", put(found, new, "value")
    if CALL.match(code):
        yield "call", re.match(" +", line)[0] + ";"
    if ASSIGNMENT.match(code):
        yield "assignment", re.match(" +", line)[0] + ";"


def of_file(root, path):
    text = (root / path).read_text()
    for number, (line, code) in enumerate(zip(text.split("\n"), blank(text).split("\n")), 1):
        for kind, new in replacements(line, code):
            if new != line:
                yield Mutant(path, number, kind, line, new)


def sources(root):
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.[ch]")):
            if not re.search(r"_windows\.|kqueue|minimio\.h", path.name):
                yield room, str(path.relative_to(root))


def choose(root, seed):
    """Without end, as long as there are any: a room by its size, a kind, and one of its mutants; a line only once."""
    chance = random.Random(seed)
    pools, sizes, used = {}, dict.fromkeys(ROOMS, 0), set()
    for room, path in sources(root):
        for mutant in of_file(root, path):
            pools.setdefault((room, mutant.kind), []).append(mutant)
            sizes[room] += 1
    for key in sorted(pools):
        chance.shuffle(pools[key])
    while pools:
        rooms = sorted({room for room, _ in pools})
        room = chance.choices(rooms, [sizes[room] for room in rooms])[0]
        key = room, chance.choice(sorted(kind for of, kind in pools if of == room))
        mutant = pools[key].pop()
        if not pools[key]:
            del pools[key]
        if (mutant.path, mutant.line) not in used:
            used.add((mutant.path, mutant.line))
            yield mutant
