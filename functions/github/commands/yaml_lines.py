"""Reads untrusted YAML and keeps the line of every key, for error messages. Pure.

Only plain values are accepted: no tags, no anchors or aliases (a small file could expand to a huge one), no deep
nesting, no duplicate keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from yaml import events, nodes

MAX_DEPTH = 10
"""Levels of mappings and lists."""


class YamlError(Exception):
    """The text cannot be read; the message names the line, counted from 1, and the reason."""


@dataclass(frozen=True, slots=True)
class LocatedYaml:
    """The values of a document, and the nodes that they came from."""

    values: Any
    root: nodes.Node | None

    def line(self, path: Sequence[str]) -> tuple[int, str]:
        """Return line and path of the key at that path, or of its innermost parent that exists."""
        node, line, known = self.root, 1, list[str]()
        for name in path:
            child = _child(node, name)
            if not child:
                break
            line, node = child
            known.append(name)
        return line, ".".join(known or path)


def parse(text: str) -> LocatedYaml:
    """Return the document in `text`; raise YamlError."""
    try:
        _reject_unsafe(text)
        root = yaml.compose(text, yaml.SafeLoader)
        _reject_duplicate_keys(root)
        return LocatedYaml(yaml.safe_load(text), root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(f"line {mark.line + 1 if mark else 1}: {error.problem}") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise YamlError(f"is not YAML: {error}") from error


def _reject_unsafe(text: str) -> None:
    """Check event by event, before anything is built."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, events.AliasEvent) or getattr(event, "anchor", None):
            raise _problem("anchors and aliases are not supported", event)
        tag = getattr(event, "tag", None)
        if tag:  # its constructor may raise an error of any type
            raise _problem(f"the tag {tag} is not supported", event)
        depth += isinstance(event, events.CollectionStartEvent) - isinstance(event, events.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _problem("it is nested too deeply", event)


def _reject_duplicate_keys(node: nodes.Node | None) -> None:
    """YAML forbids duplicate keys, but the parser takes the last one."""
    if isinstance(node, nodes.MappingNode):
        seen = set()
        for key, value in node.value:
            if isinstance(key, nodes.ScalarNode) and key.value in seen:
                raise _problem(f"the key {key.value} is duplicated", key)
            seen.add(str(key.value))
            _reject_duplicate_keys(value)


def _problem(reason: str, location: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=reason, problem_mark=location.start_mark)


def _child(node: nodes.Node | None, name: str) -> tuple[int, nodes.Node] | None:
    """Return line and value of a mapping's key or a list's item; None if there is none."""
    if isinstance(node, nodes.MappingNode):
        pairs = ((key.start_mark.line + 1, value) for key, value in node.value if key.value == name)
        return next(pairs, None)
    if isinstance(node, nodes.SequenceNode) and name.isdecimal() and int(name) < len(node.value):
        item = node.value[int(name)]
        return item.start_mark.line + 1, item
    return None
