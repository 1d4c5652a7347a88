"""The templates that make an attempt's task files, and their checksum.

Templates may change while a function serves, as they may lie in a mounted bucket. Each use therefore compares the
time, size and inode of every file and directory the set was found in, which is much cheaper there than reading them.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from functions.templating import search_path
from functions.templating.engine import references, reload

Stamp = tuple[int, int, int] | None
"""Identifies the version of a file or directory; None if it does not exist."""


@dataclass(frozen=True, slots=True)
class TemplateSet:
    """The templates of one agent CLI, kind of work and agent."""

    names: Mapping[str, str]
    """Template name by the task file that it makes."""
    checksum: str
    """SHA-256, in hexadecimal, of the templates and all that they include, in the order of their names."""
    stamps: Mapping[Path, Stamp]
    """The version of each path, taken just before it was read."""

    @property
    def hooks(self) -> list[str]:
        """Names of the hooks among the task files, without their prefix."""
        return [key.removeprefix(search_path.HOOK) for key in self.names if key.startswith(search_path.HOOK)]

    @property
    def is_current(self) -> bool:
        """Whether no file or directory of the set has changed."""
        return all(_stamp(path) == stamp for path, stamp in self.stamps.items())


_sets: dict[tuple[Path, str, str, str | None], TemplateSet] = {}


def find(templates: Path, agent_cli: str, kind: str, agent: str | None) -> TemplateSet:
    """Return the set as its files are now.

    Raises:
        TemplateError: the agent CLI has no templates for this kind of work, or one is not UTF-8.
    """
    key = (templates, agent_cli, kind, agent)
    known = _sets.get(key)
    if known is None or not known.is_current:
        known = _sets[key] = _read(*key)
    return known


def _read(templates: Path, agent_cli: str, kind: str, agent: str | None) -> TemplateSet:
    stamps = _stamps(search_path.directories(templates, agent_cli, kind, agent))
    names = search_path.find(templates, agent_cli, kind, agent)
    sources: dict[str, bytes] = {}
    pending = list(names.values())
    while pending:
        name = pending.pop()
        if name not in sources:
            stamps |= _stamps([templates / name])
            sources[name] = _source(templates / name)
            pending += references(templates, name, sources[name])
    reload(templates)  # now: what is loaded from here on is not older than its stamp
    return TemplateSet(names, _checksum(sources), stamps)


def _checksum(sources: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, source in sorted(sources.items()):
        digest.update(f"{name}\0{len(source)}\0".encode() + source)
    return digest.hexdigest()


def _source(path: Path) -> bytes:
    """Return the template, or nothing if it is missing: rendering reports that."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _stamps(paths: Iterable[Path]) -> dict[Path, Stamp]:
    return {path: _stamp(path) for path in paths}


def _stamp(path: Path) -> Stamp:
    try:
        status = os.stat(path)  # noqa: PTH116  (twice as fast as that of Path, for a hundred paths)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
