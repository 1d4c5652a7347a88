"""YAML that a stranger wrote, with the line of every key, so that a mistake in it can be shown to them. Pure.

Only plain values: no tags that make objects, and none of what lets a small file become a large one (aliases) or a
deep one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from yaml import events, nodes

DEEPEST = 10
"""Mappings and lists inside each other."""


class YamlError(Exception):
    """It cannot be read; the text says in which line, counted from 1, and why."""


@dataclass(frozen=True, slots=True)
class LocatedYaml:
    """What was read, and where it stands."""

    values: Any
    root: nodes.Node | None

    def line(self, path: Sequence[str]) -> tuple[int, str]:
        """The line of the key at that path, or of the innermost one around it that is there, and its own path."""
        node, line, known = self.root, 1, list[str]()
        for name in path:
            found = _child(node, name)
            if not found:
                break
            line, node = found
            known.append(name)
        return line, ".".join(known or path)


def parse(text: str) -> LocatedYaml:
    """What is in `text`. Raises BadYaml."""
    try:
        _refuse_tricks(text)
        root = yaml.compose(text, yaml.SafeLoader)
        _refuse_duplicates(root)
        return LocatedYaml(yaml.safe_load(text), root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(f"line {mark.line + 1 if mark else 1}: {error.problem}") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise YamlError(f"it is not YAML: {error}") from error


def _refuse_tricks(text: str) -> None:
    """Event by event, before anything is built of them."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, events.AliasEvent) or getattr(event, "anchor", None):
            raise _problem("anchors and aliases are not taken", event)
        depth += isinstance(event, events.CollectionStartEvent) - isinstance(event, events.CollectionEndEvent)
        if depth > DEEPEST:
            raise _problem("it is nested too deeply", event)


def _refuse_duplicates(node: nodes.Node | None) -> None:
    """YAML forbids them, and the parser takes the last one."""
    if isinstance(node, nodes.MappingNode):
        seen = set()
        for key, value in node.value:
            if isinstance(key, nodes.ScalarNode) and key.value in seen:
                raise _problem(f"the key {key.value} is there twice", key)
            seen.add(str(key.value))
            _refuse_duplicates(value)


def _problem(why: str, where: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=why, problem_mark=where.start_mark)


def _child(node: nodes.Node | None, name: str) -> tuple[int, nodes.Node] | None:
    """The line and value of a key of a mapping, or of an item of a list."""
    if isinstance(node, nodes.MappingNode):
        pairs = ((key.start_mark.line + 1, value) for key, value in node.value if key.value == name)
        return next(pairs, None)
    if isinstance(node, nodes.SequenceNode) and name.isdecimal() and int(name) < len(node.value):
        found = node.value[int(name)]
        return found.start_mark.line + 1, found
    return None
