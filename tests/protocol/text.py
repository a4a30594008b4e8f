# SPDX-License-Identifier: MIT
"""proto/PROTOCOL.md: its sections, tables and exchanges."""
import re
import sys

PATH = "proto/PROTOCOL.md"


def fail(message):
    sys.exit(f"{sys.argv[0]}: {message}")


class Section:
    def __init__(self, chapter, title):
        self.chapter, self.title = chapter, title
        self.lines, self.exchanges = [], []

    def prose(self):
        return "\n".join(self.lines)

    def rows(self):
        """Of the tables: the cells of each row whose first or second is in backquotes."""
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in self.lines if line.startswith("| ")]
        return [row for row in rows if any(cell.startswith("`") for cell in row[:2])]


def sections():
    """In their order, what stands before the first chapter at their front."""
    found, chapter, exchange = [Section("", "")], "", None
    with open(PATH, encoding="utf-8") as file:
        lines = file.read().splitlines()
    for number, line in enumerate(lines, 1):
        if exchange is not None:
            if line == "```":
                exchange = None
            else:
                exchange.append(line)
        elif line == "```exchange":
            exchange = []
            found[-1].exchanges.append((number, exchange))
        elif line.startswith("```"):
            fail(f"line {number}: a block of code that is no exchange")
        elif match := re.fullmatch(r"##(#?) (?:[0-9]+\. )?`?([^`]*)`?", line):
            chapter = chapter if match[1] else match[2]
            found.append(Section(chapter, match[2]))
        else:
            found[-1].lines.append(line)
    return found


def check_links():
    """Each link within the text leads to a heading."""
    with open(PATH, encoding="utf-8") as file:
        text = file.read()
    headings = re.findall(r"^##+ (.*)", text, flags=re.MULTILINE)
    anchors = [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]
    for link in re.findall(r"\]\(#([^)]*)\)", text):
        if anchors.count(link) != 1:
            fail(f"{anchors.count(link)} headings for the link #{link}")


def of_chapter(title):
    """The chapter and its sections."""
    return [section for section in sections() if section.chapter == title] or fail(f"there is no chapter {title}")


def steps(lines):
    """The lines of an exchange, each in one piece."""
    joined = []
    for line in lines:
        if line.startswith("   "):
            joined[-1] += line[3:]
        else:
            joined.append(line)
    return joined
