#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scripts/prose.py counts the pronouns of prose, and only of prose, in each kind of file.

usage: tests/rooms/prose.py
"""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts/prose.py"

PLAIN = "The daemon reads a request. " * 20  # 100 words without a pronoun
POOR = "It tells those who have such ones. "  # 5 pronouns in 7 words

# Each kind of file: a text whose pronouns are prose, then a text whose pronouns are code.
KINDS = {
    "a.c": (f"/* {PLAIN}{POOR}{POOR} */\n", f"/* {PLAIN} `it that those` */\nint it = that(who, \"such /* one */\");\n" * 4),
    "a.h": (f"// {PLAIN}{POOR}{POOR}\n", f"// {PLAIN}\nstruct such {{ int it, that; }} *who(void);\n" * 4),
    "a.md": (f"{PLAIN}\n{POOR}{POOR}\n",
             f"{PLAIN}\n```\n{POOR}\n```\n[a](it/that) `it that those who` <!-- {POOR} -->\n" * 4),
    "a.1": (f".Sh NAME\n{PLAIN}\n{POOR}{POOR}\n",
            f"{PLAIN}\n.Cm it that those who\n.\\\" {POOR}\n.Bd -literal -offset indent\n{POOR}\n.Ed\n" * 4),
    "a.service": (f"# {PLAIN}{POOR}{POOR}\n", f"# {PLAIN}\nit=that those who such\n" * 4),
}


def require(condition, what, output=""):
    if not condition:
        sys.exit(f"prose.py: {what}\n{output}")


def look(folder, *arguments):
    result = subprocess.run([SCRIPT, *arguments], cwd=folder, text=True, check=False, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    return result.returncode, result.stdout


def write(folder, name, text):
    (pathlib.Path(folder) / name).write_text(text, encoding="utf-8")
    return name


def prose_is_counted_and_code_is_not(folder):
    for name, (prose, code) in KINDS.items():
        result, output = look(folder, write(folder, name, prose))
        require(result == 1 and output.startswith(f"{name}: 8.8 pronouns"), f"{name}: the prose is not counted", output)
        result, output = look(folder, write(folder, name, code))
        require((result, output) == (0, ""), f"{name}: the code is counted", output)


def the_limit_is_exact(folder):
    at_limit = write(folder, "limit.md", "It " * 8 + "daemon " * 92)
    above = write(folder, "above.md", "It " * 9 + "daemon " * 91)
    require(look(folder, at_limit) == (0, ""), "8 pronouns in 100 words are too many")
    require(look(folder, above)[0] == 1, "9 pronouns in 100 words are not too many")
    require(look(folder, "--most", "9", above) == (0, ""), "--most is ignored")
    require(look(folder, "--most", "0", at_limit)[0] == 1, "--most 0 is ignored")


def short_files_may_have_the_limit(folder):
    require(look(folder, write(folder, "short.md", "It " * 8)) == (0, ""), "a short file is refused")
    require(look(folder, write(folder, "short.md", "It " * 9))[0] == 1, "a short file has no limit")


def each_file_is_named(folder):
    write(folder, "good.md", PLAIN)
    write(folder, "bad.md", POOR * 9)
    write(folder, "worse.md", POOR * 99)
    result, output = look(folder, "bad.md", "good.md", "worse.md")
    lines = [line.split(":")[0] for line in output.splitlines()]
    require(result == 1 and lines == ["bad.md", "worse.md"], "another file is named", output)


def a_list_names_files(folder):
    write(folder, "good.md", PLAIN)
    write(folder, "bad.md", POOR * 9)
    write(folder, "list", "# files\n\ngood.md\n")
    require(look(folder, "--list", "list") == (0, ""), "the list is not read")
    write(folder, "list", "good.md\nbad.md\n")
    require(look(folder, "--list", "list")[0] == 1, "the list's second file is not read")


def a_list_names_folders_and_patterns(folder):
    inner = pathlib.Path(folder) / "room/inner"
    inner.mkdir(parents=True)
    write(inner, "bad.c", f"/* {POOR * 9} */\n")
    write(inner, "data.bin", f"# {POOR * 9}\n")
    write(inner, "good.h", f"/* {PLAIN} */\n")
    for entry, found in (("room/", True), ("room/inner/*.c", True), ("room/*/*", True), ("room/inner/*.h", False)):
        write(folder, "list", f"{entry}\n")
        result, output = look(folder, "--list", "list")
        require(result == found and ("room/inner/bad.c:" in output) == found, f"{entry}: the wrong files", output)
    write(folder, "list", "room/\nroom/inner/bad.c\nroom/inner/*.c\n")
    output = look(folder, "--list", "list")[1]
    require(output.count("bad.c") == 1 and "data.bin" not in output, "a folder is not read once", output)
    for entry in ("empty/", "room/*.c"):
        write(folder, "list", f"{entry}\nroom/inner/good.h\n")
        require(look(folder, "--list", "list") == (1, f"list: {entry} names no file\n"), f"{entry}: no complaint")


def failures_are_told(folder):
    write(folder, "good.md", PLAIN)
    for arguments, status in ((("missing.md",), 1), (("good.md", "missing.md"), 1), (("--list", "missing"), 1), ((), 2),
                              (("--most", "few", "good.md"), 2)):
        result, output = look(folder, *arguments)
        require(result == status and output, f"{arguments}: status {result}, not {status}", output)


def files_that_pass_are_listed_once():
    text = (ROOT / "scripts/prose.list").read_text(encoding="utf-8")
    listed = [line for line in text.splitlines() if line and not line.startswith("#")]
    require(len(listed) > 5 and len(listed) == len(set(listed)), "scripts/prose.list is empty or has a file twice")
    result, output = look(ROOT, "--list", "scripts/prose.list")
    require(result == 0, "a listed file has too many pronouns", output)


for case in (prose_is_counted_and_code_is_not, the_limit_is_exact, short_files_may_have_the_limit, each_file_is_named,
             a_list_names_files, a_list_names_folders_and_patterns, failures_are_told):
    with tempfile.TemporaryDirectory() as made:
        case(made)
files_that_pass_are_listed_once()
