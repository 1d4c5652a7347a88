"""Which templates make an attempt's task files, and their checksum, kept for as long as their files stay as they are.

Templates may change while a function serves (they lie in a mounted bucket), so every use looks at each file and
directory they were found in: a few stat calls, in place of finding, reading and hashing them all.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Template

from functions.templating import engine, layout

Stamp = tuple[int, int, int] | None
"""What tells two versions of a file or directory apart; None where there is none."""


@dataclass(frozen=True)
class Kit:
    """The templates of one agent CLI, kind of work and agent."""

    templates: Mapping[str, Template]
    """By the task file that each makes."""
    checksum: str
    """SHA-256 of the templates used, with what they include, in the order of their names, in hexadecimal."""
    stamps: Mapping[str, Stamp]
    """By path, as it was just before it was read."""

    @property
    def hooks(self) -> list[str]:
        """Names of the hooks among them."""
        return [key.removeprefix(layout.HOOK) for key in self.templates if key.startswith(layout.HOOK)]

    @property
    def current(self) -> bool:
        """Whether all of it is as it was."""
        return all(_stamp(path) == stamp for path, stamp in self.stamps.items())


_kits: dict[tuple[Path, str, str, str | None], Kit] = {}


def find(templates: Path, agent_cli: str, kind: str, agent: str | None) -> Kit:
    """The kit as its files are now.

    Raises:
        TemplateError: the agent CLI has no templates for this kind of work, or one cannot be read as a template.
    """
    key = (templates, agent_cli, kind, agent)
    found = _kits.get(key)
    if found is None or not found.current:
        found = _kits[key] = _read(*key)
    return found


def _read(templates: Path, agent_cli: str, kind: str, agent: str | None) -> Kit:
    stamps = _stamps(layout.directories(templates, agent_cli, kind, agent))
    names = layout.find(templates, agent_cli, kind, agent)
    digest, sources = hashlib.sha256(), dict[str, bytes]()
    waiting = list(names.values())
    while waiting:
        name = waiting.pop()
        if name not in sources:
            stamps |= _stamps([templates / name])
            sources[name] = _source(templates / name)
            waiting += engine.references(templates, sources[name].decode())
    for name, source in sorted(sources.items()):
        digest.update(f"{name}\0{len(source)}\0".encode() + source)
    made = {key: engine.compiled(templates, name) for key, name in names.items()}
    return Kit(made, digest.hexdigest(), stamps)


def _source(path: Path) -> bytes:
    """The template; nothing where there is none, which its rendering tells of."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _stamps(paths: Iterable[Path]) -> dict[str, Stamp]:
    return {path: _stamp(path) for path in map(str, paths)}


def _stamp(path: str) -> Stamp:
    try:
        found = os.stat(path)  # noqa: PTH116  (of dozens of paths for every attempt: a Path for each costs as much again)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
