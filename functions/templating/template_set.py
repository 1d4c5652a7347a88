"""Which templates make an attempt's task files, and their checksum, kept for as long as their files stay as they are.

Templates may change while a function serves (they lie in a mounted bucket), so every use looks at each file and
directory they were found in: a few stat calls, in place of finding, reading and hashing them all. Most task files are
scripts that no variable goes into: their text is kept as well.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Template

from functions.templating import engine, search_path
from functions.templating.engine import Needs

Stamp = tuple[int, int, int] | None
"""What tells two versions of a file or directory apart; None where there is none."""


@dataclass(frozen=True, slots=True)
class TemplateSet:
    """The templates of one agent CLI, kind of work and agent."""

    names: Mapping[str, str]
    """By the task file that each makes."""
    fixed: Mapping[str, str]
    """Text of the task files that are the same for every attempt."""
    varying: Mapping[str, Template]
    """The templates of the others."""
    checksum: str
    """SHA-256 of the templates used, with what they include, in the order of their names, in hexadecimal."""
    stamps: Mapping[str, Stamp]
    """By path, as it was just before it was read."""

    @property
    def hooks(self) -> list[str]:
        """Names of the hooks among them."""
        return [key.removeprefix(search_path.HOOK) for key in self.names if key.startswith(search_path.HOOK)]

    @property
    def current(self) -> bool:
        """Whether all of it is as it was."""
        return all(_stamp(path) == stamp for path, stamp in self.stamps.items())


_kits: dict[tuple[Path, str, str, str | None], TemplateSet] = {}


def find(templates: Path, agent_cli: str, kind: str, agent: str | None) -> TemplateSet:
    """The kit as its files are now.

    Raises:
        TemplateError: the agent CLI has no templates for this kind of work, one cannot be read as a template, or one
            that needs no variables cannot be rendered.
    """
    key = (templates, agent_cli, kind, agent)
    found = _kits.get(key)
    if found is None or not found.current:
        found = _kits[key] = _read(*key)
    return found


def _read(templates: Path, agent_cli: str, kind: str, agent: str | None) -> TemplateSet:
    stamps = _stamps(search_path.directories(templates, agent_cli, kind, agent))
    names = search_path.find(templates, agent_cli, kind, agent)
    digest, sources, needs = hashlib.sha256(), dict[str, bytes](), dict[str, Needs]()
    waiting = list(names.values())
    while waiting:
        name = waiting.pop()
        if name not in sources:
            stamps |= _stamps([templates / name])
            sources[name] = _source(templates / name)
            needs[name] = engine.needs(templates, engine.decoded(templates, name, sources[name]))
            waiting += needs[name].templates
    for name, source in sorted(sources.items()):
        digest.update(f"{name}\0{len(source)}\0".encode() + source)
    fixed = {key: _fixed(templates, name, needs[name].text) for key, name in names.items() if _is_fixed(name, needs)}
    varying = {key: engine.compiled(templates, name) for key, name in names.items() if key not in fixed}
    return TemplateSet(names, fixed, varying, digest.hexdigest(), stamps)


def _fixed(templates: Path, name: str, text: str | None) -> str:
    if text is not None:
        return engine.checked(name, text)
    return engine.render(templates, engine.compiled(templates, name), {})


def _is_fixed(name: str, needs: Mapping[str, Needs]) -> bool:
    """Whether no variable goes into the template, nor into what it includes."""
    seen, waiting = set[str](), [name]
    while waiting:
        each = waiting.pop()
        if not needs[each].alone:
            return False
        seen.add(each)
        waiting += set(needs[each].templates) - seen
    return True


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
