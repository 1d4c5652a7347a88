"""Changes of files as data: of an agent's edits, and of `git diff`. Pure."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from functions.views.stream import Edit

Sign = Literal["+", "-", " ", "@"]
"""Added, removed, unchanged, or the heading of a hunk."""

COMPARED = 1_000
"""Longest text in lines that is compared line by line: difflib takes quadratic time."""
CONTEXT = 3
"""Unchanged lines around a change, as in git diff."""

_HEADER = re.compile(r'diff --git (?:"?a/.*?"?) (?:"?b/(?P<path>.*?)"?)$')


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a diff."""

    sign: Sign
    text: str


@dataclass(frozen=True, slots=True)
class FileDiff:
    """The changes of one file."""

    path: str
    lines: Sequence[DiffLine]

    @property
    def added(self) -> int:
        """Number of added lines."""
        return sum(line.sign == "+" for line in self.lines)

    @property
    def removed(self) -> int:
        """Number of removed lines."""
        return sum(line.sign == "-" for line in self.lines)


def of_edit(edit: Edit) -> FileDiff:
    """Return the diff of an edit; of long texts all old lines, then all new ones."""
    old, new = edit.old.splitlines(), edit.new.splitlines()
    if len(old) > COMPARED or len(new) > COMPARED:
        lines = [*(DiffLine("-", each) for each in old), *(DiffLine("+", each) for each in new)]
    else:
        lines = list(_compared(old, new))
    return FileDiff(edit.path, lines)


def _compared(old: Sequence[str], new: Sequence[str]) -> Iterator[DiffLine]:
    for number, line in enumerate(difflib.unified_diff(old, new, n=CONTEXT, lineterm="")):
        match line[:1]:
            case "+" | "-" | " " as sign if number >= 2:
                yield DiffLine(sign, line[1:])
            case "@" if number > 2:  # the first hunk needs no heading: an edit does not say where in the file it is
                yield DiffLine("@", "⋯")


def parse(text: str) -> list[FileDiff]:
    """Return the files in the output of `git diff`."""
    files: list[tuple[str, list[DiffLine]]] = []
    in_hunk = False
    for line in text.splitlines():
        if header := _HEADER.match(line):
            files.append((header["path"], []))
            in_hunk = False
        elif files and line.startswith("@@"):
            in_hunk = True
            files[-1][1].append(DiffLine("@", line))
        elif files and (in_hunk or line.startswith("Binary files ")):
            files[-1][1].append(_line(line))
    return [FileDiff(path, lines) for path, lines in files]


def _line(line: str) -> DiffLine:
    match line[:1]:
        case "+" | "-" as sign:
            return DiffLine(sign, line[1:])
        case _:
            return DiffLine(" ", line[1:] if line.startswith(" ") else line)
