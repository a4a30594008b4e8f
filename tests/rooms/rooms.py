#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scripts/rooms.py finds what it is to find: in a made-up tree of three rooms and the files above them, and in the sources.

usage: tests/rooms/rooms.py
"""
import contextlib
import functools
import importlib.util
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts/rooms.py"


def load_script():
    """The script as a module: a look is a call, as a process for each would take most of the test's time. A file that
    has not changed is read once, since the sources are looked at for each of their rooms."""
    sys.dont_write_bytecode = True  # the sources' folder is not written to
    spec = importlib.util.spec_from_file_location("script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    read, known = module.File, functools.lru_cache(maxsize=None)(lambda path, folder, text: read(path))
    module.File = lambda path: known(path, os.getcwd(), path.read_bytes())
    return module


script = load_script()
BEGIN, END = "<!-- rooms -->", "<!-- end of rooms -->"

TABLE = """
| room | owns | may call |
|---|---|---|
| `house/` | the roof | upper |
| `house/upper` | the bedrooms | lower |
| `house/lower` | the kitchen | cellar |
| `house/cellar` | the wine | |
| `shed/` | the tools | |
"""

FILES = {
    "house/main.c": '#include "house/upper/bed.h"\nint main(void)\n{\n    return bed_sleep();\n}\n',
    "house/upper/bed.h": "int bed_sleep(void);\n",
    "house/upper/bed.c": '#include "house/upper/bed.h"\n#include "house/lower/stove.h"\n'
                         "int bed_sleep(void)\n{\n    return stove_heat(1);\n}\n",
    "house/lower/stove.h": "extern int stove_degrees;\nint stove_heat(int more);\n",
    "house/lower/stove.c": '#include "house/lower/stove.h"\n#include "house/cellar/coal.h"\n'
                           "int stove_degrees = 20;\nint stove_heat(int more)\n{\n"
                           "    return stove_degrees + more * coal_take();\n}\n",
    "house/lower/table.h": "int table_lay(void);\n",
    "house/lower/table.c": '#include "house/lower/table.h"\nint table_lay(void)\n{\n    return 4;\n}\n',
    "house/cellar/coal.h": "int coal_take(void);\n",
    "house/cellar/coal.c": '#include "house/cellar/coal.h"\nint coal_take(void)\n{\n    return 1;\n}\n',
    "shed/saw.h": "int saw_cut(void);\n",
    "shed/saw.c": '#include "shed/saw.h"\nint saw_cut(void)\n{\n    return 0;\n}\n',
}


class Tree:
    """A copy of the made-up tree in a folder, to be changed and looked at."""

    def __init__(self, folder, files=None, table=TABLE):
        self.folder = pathlib.Path(folder)
        for name, text in (FILES if files is None else files).items():
            self.write(name, text)
        self.write("ARCHITECTURE.md", f"# Rooms\n\n{BEGIN}\n{table}\n{END}\n\n| not | a | row |\n")

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def append(self, name, text):
        self.write(name, (self.folder / name).read_text(encoding="utf-8") + text)

    def look(self, *trees):
        output = io.StringIO()
        os.chdir(self.folder)
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            return script.main(list(trees or ("house", "shed"))), output.getvalue()

    def run(self, *trees):
        """The same by the program itself."""
        result = subprocess.run([SCRIPT, *trees], cwd=self.folder, text=True, check=False, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
        return result.returncode, result.stdout


def require(condition, what, output=""):
    if not condition:
        sys.exit(f"rooms.py: {what}\n{output}")


def require_clean(tree, what, *trees):
    code, output = tree.look(*trees)
    require(code == 0, f"{what}: refused", output)
    return output


def require_wrong(tree, said, what, *trees):
    code, output = tree.look(*trees)
    require(code == 1, f"{what}: exit status {code}", output)
    for text in said:
        require(text in output, f"{what}: the output does not have '{text}'", output)


# ---- The made-up tree ------------------------------------------------------------------------------------------------


def a_clean_tree_passes(new):
    output = require_clean(new(), "a clean tree")
    require("6 units in 5 rooms, 3 arrows between rooms" in output, "the counts are wrong", output)
    require_clean(new(), "one tree alone", "house")


def the_program_prints_and_exits_as_it_looks(new):
    tree = new()
    require(tree.run("house", "shed") == tree.look(), "the program differs at a clean tree")
    tree.append("shed/saw.c", '#include "house/lower/stove.h"\n')
    code, output = tree.run("house", "shed")
    require(code == 1 and "shed/ calls house/lower" in output, "the program differs at a forbidden include", output)
    require(tree.run()[0] == 2, "the program runs without a tree")


def a_forbidden_include_fails_in_each_room(new):
    for room, file, header in (
        ("house/", "house/main.c", "house/cellar/coal.h"),
        ("house/upper", "house/upper/bed.h", "house/cellar/coal.h"),
        ("house/lower", "house/lower/stove.c", "house/upper/bed.h"),
        ("house/cellar", "house/cellar/coal.c", "house/lower/table.h"),
        ("shed/", "shed/saw.c", "house/cellar/coal.h"),
    ):
        for written in (f'#include "{header}"\n', f'#  include "{"../" * file.count("/")}{header}"\n'):
            tree = new()
            tree.append(file, written)
            target = header.rsplit("/", 1)[0]
            require_wrong(tree, [f"{room} calls {target}, which the table does not allow", header], f"in {file}: {written}")


def a_tree_that_is_not_looked_at_is_forbidden_all_the_same(new):
    tree = new()
    tree.append("shed/saw.c", '#include "house/lower/stove.h"\n')
    require_wrong(tree, ["shed/ calls house/lower"], "of a tree that is not looked at", "shed")


def a_forbidden_call_fails_without_an_include(new):
    for body in ("return coal_take();", "int (*take)(void) = coal_take; return take();"):
        tree = new()
        tree.append("house/upper/bed.c", f"int coal_take(void);\nint bed_warm(void)\n{{\n    {body}\n}}\n")
        require_wrong(tree, ["house/upper calls house/cellar", "house/upper/bed -> house/cellar/coal: coal_take"], body)


def a_static_namesake_hides_no_call(new):
    tree = new()
    tree.append("house/upper/bed.c", "static __attribute__((noinline)) int saw_cut(void)\n{\n    return 1;\n}\n")
    require_clean(tree, "a static function")
    tree.append("house/lower/table.c", "int saw_cut(void);\nint table_saw(void)\n{\n    return saw_cut();\n}\n")
    require_wrong(tree, ["house/lower calls shed/", "house/lower/table -> shed/saw: saw_cut"], "a namesake")


def a_name_that_two_units_define_is_no_arrow(new):
    """As where a build chooses between a file for Linux and a portable one."""
    tree = new()
    tree.append("house/upper/bed.c", "int coal_take(void);\nint bed_warm(void)\n{\n    return coal_take();\n}\n")
    for name in "abcdefgh":
        tree.write(f"house/cellar/coal_{name}.c", "int coal_take(void)\n{\n    return 2;\n}\n")
    require_clean(tree, "a name that many units define")


def tables_of_functions_macros_and_variables_are_arrows_too(new):
    for text in (
        "int (*const bed_table[])(void) = {coal_take};\n",
        "#define WARM() \\\n    coal_take()\n",
        "static inline int warm(void)\n{\n    return coal_take();\n}\n",
        "__attribute__((noinline)) static int warm(int (*f)(int))\n{\n    return f(coal_take());\n}\n",
    ):
        tree = new()
        tree.append("house/upper/bed.h", text)
        require_wrong(tree, ["house/upper calls house/cellar"], text)
    tree = new()
    tree.append("house/main.c", "int degrees(void)\n{\n    return stove_degrees;\n}\n")
    require_wrong(tree, ["house/ calls house/lower", "stove_degrees"], "a variable")


def a_cycle_by_calls_fails(new):
    tree = new()
    tree.append("house/lower/stove.c", "int table_lay(void);\nint stove_cook(void)\n{\n    return table_lay();\n}\n")
    require_clean(tree, "a call to a neighbour")
    tree.append("house/lower/table.c", "int stove_cook(void);\nint table_eat(void)\n{\n    return stove_cook();\n}\n")
    require_wrong(tree, ["a cycle of 2 units: house/lower/stove, house/lower/table",
                         "house/lower/stove -> house/lower/table: table_lay",
                         "house/lower/table -> house/lower/stove: stove_cook"], "a cycle by calls")


def a_cycle_by_includes_fails(new):
    tree = new()
    tree.append("house/lower/stove.h", '#include "table.h"\n')
    tree.write("house/lower/chair.h", '#include "house/lower/stove.h"\n')
    tree.append("house/lower/table.c", '#include "house/lower/chair.h"\n')
    require_wrong(tree, ["a cycle of 3 units: house/lower/chair, house/lower/stove, house/lower/table"], "includes")


def a_cycle_of_rooms_fails(new):
    tree = new(table=TABLE.replace("| the wine | |", "| the wine | lower |"))
    tree.write("house/cellar/wine.c", '#include "house/lower/table.h"\n')
    require_wrong(tree, ["the table lets house/cellar call house/lower, which is not below it",
                         "a cycle of 2 rooms: house/cellar, house/lower"], "a cycle of rooms without one of units")


def what_is_no_call_passes(new):
    tree = new()
    tree.append("house/upper/bed.c", '''
/* coal_take() in a comment, #include "house/cellar/coal.h" */
// coal_take()
struct coal_take {
    int coal_take;
};
#if 0
#endif
static const char text[] = "coal_take() \\" { coal_take()", letter = '{';
static int saw_cut(void)
{
    return 2;
}
int bed_make(struct coal_take *bed)
{
    struct coal_take other = {.coal_take = saw_cut()};

    return bed->coal_take + other.coal_take + text[0] + letter;
}
int bed_turn(int coal_take)
{
    int stove_heat = coal_take, *stove_degrees = &stove_heat;

    return coal_take + *stove_degrees;
}
''')
    tree.append("house/upper/bed.h", "#ifdef __cplusplus\nextern \"C\" {\n#endif\n#ifdef __cplusplus\n}\n#endif\n")
    require_clean(tree, "names that are no calls")


# ---- The table -------------------------------------------------------------------------------------------------------


def the_table_is_held_to_the_code(new):
    for old, replaced, said in (
        ("| the kitchen | cellar |", "| the kitchen | |", "house/lower calls house/cellar"),
        ("| the roof | upper |", "| the roof | upper, cellar |", "lets house/ call house/cellar, which no unit does"),
        ("| the roof | upper |", "| the roof | upper, attic |", "house/attic, which the table does not have"),
        ("| `shed/` | the tools | |\n", "", "the table does not have the room shed/"),
        ("| `shed/` | the tools | |\n", "| `shed/` | the tools | |\n| `shed/shelf` | nails | |\n", "which is not there"),
        ("| `shed/` | the tools | |\n", "| `shed/` | the tools | |\n| `shed/` | nails | |\n", "names a room twice"),
    ):
        require(old in TABLE, f"the made-up table does not have '{old}'")
        require_wrong(new(table=TABLE.replace(old, replaced)), [said], f"{old} -> {replaced}")
    tree = new()
    tree.write("ARCHITECTURE.md", TABLE)
    require_wrong(tree, ["there must be one table"], "a table without marks")


def the_number_of_arrows_is_bounded(new):
    """Ten rooms that all call those below them have 45 arrows; with an eleventh there are 55."""
    for count, wrong in ((10, False), (11, True)):
        files, rows = {}, "| room | owns | may call |\n|---|---|---|\n"
        for room in range(count):
            below = range(room + 1, count)
            files[f"big/r{room}/unit.h"] = "".join(f'#include "big/r{other}/unit.h"\n' for other in below) or "\n"
            rows += f"| big/r{room} | | {', '.join(f'r{other}' for other in below)} |\n"
        tree = new(files=files, table=rows)
        if wrong:
            require_wrong(tree, ["the table has 55 arrows; at most 45 are allowed"], "55 arrows", "big")
        else:
            require("45 arrows between rooms" in require_clean(tree, "45 arrows", "big"), "45 arrows were not counted")


def what_cannot_be_read_fails(new):
    tree = new()
    tree.append("shed/saw.c", "int broken(void)\n{\n")
    require_wrong(tree, ["shed/saw.c: the braces do not match"], "an open brace")
    require_wrong(new(), ["barn: there are no sources"], "a tree that is not there", "barn")


# ---- The sources -----------------------------------------------------------------------------------------------------


def each_room_of_the_sources_has_its_walls(new):
    """A forbidden include in each room of the trees that the linters look at."""
    lint = re.search(r"^scripts/rooms\.py (.*)$", (ROOT / ".ci/lint.sh").read_text(encoding="utf-8"), re.M)
    require(lint, ".ci/lint.sh does not run scripts/rooms.py")
    trees = lint.group(1).split()
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("<!-- rooms")[1].split(END)[0]
    rows = [[cell.strip(" `") for cell in line.strip("| ").split("|")] for line in text.splitlines() if line[:1] == "|"]
    rooms = [row[0] for row in rows[2:] if row[0].split("/")[0] in trees]
    require(len(rooms) >= 2, "the table of ARCHITECTURE.md is not understood")
    tree = new(files={})
    for name in trees:
        shutil.copytree(ROOT / name, tree.folder / name)
    shutil.copy(ROOT / "ARCHITECTURE.md", tree.folder)
    require_clean(tree, "the sources", *trees)
    for place, room in enumerate(rooms):
        # No room may call the room above it; the highest room may not call a tree beside its own.
        beside = next(row[0] for row in rows[2:] if row[0].split("/")[0] != room.split("/")[0])
        target = rooms[place - 1] if place > 0 else beside
        planted = tree.folder / room / "planted.h"
        planted.write_text(f'#include "{target.rstrip("/")}/any.h"\n', encoding="utf-8")
        require_wrong(tree, [f"{room} calls {target}, which the table does not allow"], f"planted in {room}", *trees)
        planted.unlink()


def main():
    cases = [
        a_clean_tree_passes,
        the_program_prints_and_exits_as_it_looks,
        a_forbidden_include_fails_in_each_room,
        a_tree_that_is_not_looked_at_is_forbidden_all_the_same,
        a_forbidden_call_fails_without_an_include,
        a_static_namesake_hides_no_call,
        a_name_that_two_units_define_is_no_arrow,
        tables_of_functions_macros_and_variables_are_arrows_too,
        a_cycle_by_calls_fails,
        a_cycle_by_includes_fails,
        a_cycle_of_rooms_fails,
        what_is_no_call_passes,
        the_table_is_held_to_the_code,
        the_number_of_arrows_is_bounded,
        what_cannot_be_read_fails,
        each_room_of_the_sources_has_its_walls,
    ]
    with tempfile.TemporaryDirectory() as folder:
        count = 0

        def new(**arguments):
            nonlocal count
            count += 1
            return Tree(f"{folder}/{count}", **arguments)

        for case in cases:
            case(new)


if __name__ == "__main__":
    main()
