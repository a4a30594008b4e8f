#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts pronouns in prose: a reader of a manual should meet the noun, not a word that stands for the noun.

usage: scripts/prose.py [--most N] [--list FILE] FILE...

Prints each file that has more than N pronoun-like words in 100 (8 by default), with the file's share. In C the comments
count, in Markdown and manual pages the running text without code, in other files the lines that begin with `#`. A file of
fewer than 100 words may have N of the words. --list names a file that lists further files, one path or glob pattern
in a line; a path that ends in `/` stands for all prose in the folder and the folders below. Empty lines and lines that
begin with `#` are ignored. Exit status: 0; 1 if a file has too many or cannot be read, or a line names no file; 2 for
wrong usage.
"""
import argparse
import pathlib
import re
import sys

MOST = 8
WORDS_LEAST = 100
PRONOUNS = frozenset(
    """it its itself this that these those they them their theirs themselves what whatever who whom whose whoever which
    whichever one ones other others another there such none nobody somebody anybody everybody someone anyone everyone
    something anything everything nothing""".split()
)

COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*(.*?)\*/|//([^\n]*)', re.S)
MARKDOWN_CODE = re.compile(r"^(```|~~~).*?^\1[^\n]*$|<!--.*?-->|(`+).*?\2|\]\([^)]*\)", re.S | re.M)
ROFF_LITERAL = re.compile(r"^\.Bd\b[^\n]*-literal.*?^\.Ed$", re.S | re.M)
CODE_SPAN = re.compile(r"`[^`\n]*`")
WORD = re.compile(r"[A-Za-z_][\w'-]*")
PROSE_SUFFIX = re.compile(r"\.([ch1-9]|md|sh|py|pl|mk|map|in)")  # of the files that a folder stands for


def c_comments(text):
    return CODE_SPAN.sub(" ", "\n".join(match[1] or match[2] or "" for match in COMMENT.finditer(text)))


def markdown(text):
    return MARKDOWN_CODE.sub(" ", text)


def roff(text):
    """The text lines: requests are mostly names and arguments."""
    lines = ROFF_LITERAL.sub("", text).splitlines()
    return "\n".join(line for line in lines if not line.startswith((".", "'")))


def hash_comments(text):
    comments = (line.strip()[1:] for line in text.splitlines() if line.strip().startswith("#"))
    return CODE_SPAN.sub(" ", "\n".join(comments))


def prose(path):
    """The prose of a file, chosen by the file's name. May raise OSError or UnicodeDecodeError."""
    text = path.read_text(encoding="utf-8")
    if path.suffix in (".c", ".h"):
        return c_comments(text)
    if path.suffix == ".md":
        return markdown(text)
    if re.fullmatch(r"\.[1-9]", path.suffix):
        return roff(text)
    return hash_comments(text)


def count(text):
    """The number of words and the number of pronouns among them."""
    words = [word.lower() for word in WORD.findall(text) if not word.startswith("SPDX")]
    return len(words), sum(re.sub(r"'.*", "", word) in PRONOUNS for word in words)


def check(path, most):
    """The complaint about a file, or None."""
    try:
        words, pronouns = count(prose(pathlib.Path(path)))
    except (OSError, UnicodeDecodeError) as error:
        return f"{path}: {error}"
    if pronouns * 100 <= most * max(words, WORDS_LEAST):
        return None
    return f"{path}: {pronouns * 100 / max(words, WORDS_LEAST):.1f} pronouns in 100 words ({pronouns} of {words})"


def has_prose(path):
    return path.is_file() and bool(PROSE_SUFFIX.fullmatch(path.suffix) or path.name == "Makefile")


def expand(entry):
    """The files that a line of a list names, in order. May be empty for a folder or a pattern."""
    if entry.endswith("/"):
        return sorted(str(path) for path in pathlib.Path(entry).rglob("*") if has_prose(path))
    if any(character in entry for character in "*?["):
        return sorted(str(path) for path in pathlib.Path().glob(entry) if path.is_file())
    return [entry]


def listed(path):
    """The files of a list, and complaints about lines that name no file."""
    lines = (line.strip() for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines())
    entries = {line: expand(line) for line in lines if line and not line.startswith("#")}
    files = dict.fromkeys(file for found in entries.values() for file in found)
    return list(files), [f"{path}: {entry} names no file" for entry, found in entries.items() if not found]


def main(arguments):
    parser = argparse.ArgumentParser(prog="prose.py", usage=__doc__.split("\n")[2][len("usage: ") :])
    parser.add_argument("--most", type=float, default=MOST)
    parser.add_argument("--list")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args(arguments)
    try:
        files, complaints = listed(options.list) if options.list else ([], [])
    except (OSError, UnicodeDecodeError) as error:
        print(f"prose.py: {error}", file=sys.stderr)
        return 1
    files = options.files + files
    if not files and not complaints:
        parser.error("no files given")
    complaints += [complaint for complaint in (check(file, options.most) for file in files) if complaint]
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
