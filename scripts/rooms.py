#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds source trees to the table of rooms in ARCHITECTURE.md.

usage: scripts/rooms.py TREE...

A unit is a .c file with its header. A room is a folder of a tree, with all units in it; the files directly in a tree are
a room of their own, `TREE/`. An arrow leads from a unit to each unit whose header it includes, or whose functions or
variables it uses. Wrong are a cycle among units or among rooms, an arrow between rooms that the table does not allow, an
arrow of the table that no unit needs, and more than ARROWS_MAX arrows between rooms. The table is ordered: no room may
call a room above it. Exit status: 0, or 1 having printed what is wrong.
"""
import collections
import pathlib
import re
import sys

ARROWS_MAX = 45
TABLE = "ARCHITECTURE.md"
TABLE_BEGIN, TABLE_END = "<!-- rooms", "<!-- end of rooms -->"

COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|("(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')', re.S)
TEXT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.M)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
MACRO = re.compile(r"#[ \t]*define[ \t]+\w+(?:\([^)]*\))?(.*)", re.S)
ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)", re.S)
EXTERN = re.compile(r"\bextern\b[^;(){}]*?(\w+)\s*(?:\[[^\]]*\]\s*)*;")
TOKEN = re.compile(r"[A-Za-z_]\w*|->|[^\s\w]")
NO_TYPE = {"return", "else", "case", "sizeof", "do", "goto", "if", "while", "in"}


class Refused(Exception):
    """The trees or the table cannot be read."""


# ---- C ---------------------------------------------------------------------------------------------------------------


def top_level(text, name):
    """Each piece of a file outside of braces, with what follows it in braces."""
    depth, begin, head = 0, 0, ""
    for match in re.finditer(r"[{};]", text):
        sign, at = match.group(), match.start()
        if sign == "{":
            if depth == 0:
                head, begin = text[begin:at], at + 1
            depth += 1
        elif sign == "}":
            depth -= 1
            if depth < 0:
                break
            if depth == 0:
                yield head, text[begin:at]
                begin = at + 1
        elif depth == 0:
            yield text[begin:at], ""
            begin = at + 1
    if depth != 0:
        raise Refused(f"{name}: the braces do not match")


def function_of(head):
    """The function that a piece defines: its name and whether it is static; or None."""
    head = ATTRIBUTE.sub("", head).rstrip()
    if not head.endswith(")"):
        return None
    depth, at = 0, len(head)
    while at > 0 and (depth > 0 or at == len(head)):
        at -= 1
        depth += {")": 1, "(": -1}.get(head[at], 0)
    match = re.search(r"([^(){};]*?)(\w+)\s*$", head[:at])
    return (match.group(2), "static" in match.group(1).split()) if match else None


def identifiers(text):
    """The identifiers of a function or an initializer that may be another unit's: no members, tags, or local names."""
    tokens = TOKEN.findall(text)
    around = list(zip(["", *tokens], tokens, [*tokens[1:], ""]))
    local = {
        token
        for before, token, after in around
        if after in set("=;,)[") and (before == "*" or (re.match(r"[A-Za-z_]", before) and before not in NO_TYPE))
    }
    skipped = {".", "->", "struct", "union", "enum", "goto"}
    return {t for before, t, _ in around if (t[0].isalpha() or t[0] == "_") and before not in skipped} - local


class File:
    """What one file includes, defines for other units, declares as a variable of its unit, and uses."""

    def __init__(self, path):
        text = COMMENT.sub(lambda match: match.group(1) or " ", path.read_text(encoding="utf-8"))
        self.path = path
        self.includes = INCLUDE.findall(text)
        self.functions, self.heads, self.used, own = set(), [], set(), set()
        for directive in DIRECTIVE.findall(text):
            macro = MACRO.match(directive.strip())
            if macro:
                self.used |= identifiers(TEXT.sub(" ", macro.group(1)))
        text = TEXT.sub(" 0 ", DIRECTIVE.sub("", text))
        self.externs = set(EXTERN.findall(text))
        self.read(text, own)
        self.used -= own

    def read(self, text, own):
        """`own`: the names that are the file's own, whatever other units define."""
        for head, body in top_level(text, self.path):
            function = function_of(head) if body else None
            if function and not function[1]:
                self.functions.add(function[0])
            if "static" in head.split():
                own |= set(re.findall(r"\w+", head[: head.find("(")] if function else head.split("=")[0]))
            if re.match(r"\s*extern\b[^=(]*$", head) and body:
                self.read(body, own)  # extern "C"
            elif body and (head.rstrip().endswith((")", "=")) or function):
                self.used |= identifiers(head[head.rfind("(") if function else len(head) :] + body)
            if not re.search(r"\b(static|extern|typedef)\b", head):
                self.heads.append(head.split("=")[0])


# ---- Units and arrows ------------------------------------------------------------------------------------------------


def room_of(unit):
    """The room of a unit or of an included file, such as daemon/keep, or daemon/ of what lies in daemon itself."""
    parts = unit.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0] + "/"


class House:
    """The units of some trees, the arrows between the units, and what makes each arrow."""

    def __init__(self, trees, known_rooms):
        self.files = collections.defaultdict(list)
        for tree in trees:
            for path in sorted(pathlib.Path(tree).rglob("*.[ch]")):
                self.files[str(path.with_suffix(""))].append(File(path))
            if not any(unit.startswith(tree + "/") for unit in self.files):
                raise Refused(f"{tree}: there are no sources")
        self.rooms = {room_of(unit) for unit in self.files}
        self.known_rooms = known_rooms | self.rooms
        self.arrows = collections.defaultdict(set)
        self.add_includes()
        self.add_uses()

    def add_includes(self):
        for unit, files in self.files.items():
            for file in files:
                for include in file.includes:
                    beside = pathlib.Path(file.path.parent, include)
                    there = beside.resolve().relative_to(pathlib.Path().resolve()) if beside.exists() else include
                    target = str(pathlib.PurePath(there).with_suffix(""))
                    if target != unit and room_of(target) in self.known_rooms:
                        self.arrows[unit, target].add(f'"{include}"')

    def definitions(self):
        """Each function and variable that just one unit defines for other units."""
        owners = collections.defaultdict(set)
        externs = {name for files in self.files.values() for file in files for name in file.externs}
        for unit, files in self.files.items():
            for file in files:
                variables = {name for head in file.heads for name in re.findall(r"\w+", head)} & externs
                for name in file.functions | (variables if file.path.suffix == ".c" else set()):
                    owners[name].add(unit)
        return {name: next(iter(units)) for name, units in owners.items() if len(units) == 1}

    def add_uses(self):
        definitions = self.definitions()
        for unit, files in self.files.items():
            for name in set().union(*(file.used for file in files)) & definitions.keys():
                if definitions[name] != unit:
                    self.arrows[unit, definitions[name]].add(name)

    def between_rooms(self):
        arrows = collections.defaultdict(set)
        for unit, target in self.arrows:
            if room_of(unit) != room_of(target):
                arrows[room_of(unit), room_of(target)].add((unit, target))
        return arrows

    def why(self, unit, target):
        names = sorted(self.arrows[unit, target])
        more = f", and {len(names) - 8} more" if len(names) > 8 else ""
        return f"  {unit} -> {target}: {', '.join(names[:8])}{more}"


def cycles(arrows):
    """The strongly connected components of more than one node, by Tarjan's algorithm."""
    leads = collections.defaultdict(list)
    for node, target in sorted(arrows):
        leads[node].append(target)
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in leads.get(node, ()):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in list(leads):
        if node not in index:
            visit(node)
    return found


# ---- The table -------------------------------------------------------------------------------------------------------


def read_table(path):
    """The rooms from the top to the bottom, each with the rooms that it may call."""
    text = pathlib.Path(path).read_text(encoding="utf-8")
    if text.count(TABLE_BEGIN) != 1 or text.count(TABLE_END) != 1:
        raise Refused(f"{path}: there must be one table between '{TABLE_BEGIN}' and '{TABLE_END}'")
    rows = []
    for line in text.split(TABLE_BEGIN)[1].split(TABLE_END)[0].splitlines():
        if line.startswith("|"):
            cells = [cell.strip().replace("`", "") for cell in line.strip("| ").split("|")]
            rows.append((cells + ["", ""])[:3])
    rows = rows[2:]  # below the titles
    rooms = [row[0] for row in rows]
    if not rooms or len(set(rooms)) < len(rooms):
        raise Refused(f"{path}: the table is empty, or names a room twice")
    table = {}
    for room, _, cell in rows:
        names = [name.strip() for name in cell.split(",") if name.strip()]
        table[room] = {name if name in rooms else f"{room.split('/')[0]}/{name}" for name in names}
        unknown = table[room] - set(rooms)
        if unknown:
            raise Refused(f"{path}: {room} may call {', '.join(sorted(unknown))}, which the table does not have")
    return table


# ---- What is wrong ---------------------------------------------------------------------------------------------------


def wrong_table(table, house):
    floors = {room: place for place, room in enumerate(table)}
    allowed = [(room, target) for room, targets in table.items() for target in targets]
    for room, target in sorted(allowed):
        if floors[target] <= floors[room]:
            yield f"the table lets {room} call {target}, which is not below it"
    trees = {room.split("/")[0] for room in house.rooms}
    for room in sorted(house.rooms - table.keys()):
        yield f"the table does not have the room {room}"
    for room in sorted(table.keys() - house.rooms):
        if room.split("/")[0] in trees:
            yield f"the table has the room {room}, which is not there"
    if len(allowed) > ARROWS_MAX:
        yield f"the table has {len(allowed)} arrows; at most {ARROWS_MAX} are allowed"


def wrong_arrows(table, house):
    taken = house.between_rooms()
    wrong_rooms = set()
    for room, target in sorted(taken):
        if target not in table.get(room, ()):
            wrong_rooms.add(room)
            yield f"{room} calls {target}, which the table does not allow"
            yield from (house.why(*units) for units in sorted(taken[room, target]))
    for room in sorted(table.keys() & house.rooms):
        for target in sorted(table[room] - {end for begin, end in taken if begin == room}):
            wrong_rooms.add(room)
            yield f"the table lets {room} call {target}, which no unit does"
    for room in sorted(wrong_rooms):
        targets = [target for target in table if (room, target) in taken]
        yield f"  as the code is, the row of {room} would have: {', '.join(targets)}"


def wrong_cycles(house):
    for members in cycles(house.arrows):
        yield f"a cycle of {len(members)} units: {', '.join(members)}"
        yield from (house.why(*arrow) for arrow in sorted(house.arrows) if set(arrow) <= set(members))
    arrows = house.between_rooms()
    for members in cycles(arrows):
        yield f"a cycle of {len(members)} rooms: {', '.join(members)}"
        for arrow in sorted(arrows):
            if set(arrow) <= set(members):
                yield from (house.why(*units) for units in sorted(arrows[arrow]))


def main(trees):
    if not trees:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        table = read_table(TABLE)
        house = House([tree.rstrip("/") for tree in trees], set(table))
    except (OSError, UnicodeDecodeError, Refused) as error:
        print(f"rooms.py: {error}", file=sys.stderr)
        return 1
    wrong = [*wrong_table(table, house), *wrong_arrows(table, house), *wrong_cycles(house)]
    for line in wrong:
        print(line if line.startswith(" ") else f"rooms.py: {line}", file=sys.stderr)
    arrows = len(house.between_rooms())
    if arrows > ARROWS_MAX:
        wrong.append("arrows")
        print(f"rooms.py: more than {ARROWS_MAX} arrows between rooms", file=sys.stderr)
    print(f"{len(house.files)} units in {len(house.rooms)} rooms, {arrows} arrows between rooms")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
