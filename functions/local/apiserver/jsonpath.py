r"""The small part of JSONPath that printer columns of CRDs use.

`.a.b`, `.a\.b`, `['a.b']`, `[0]`, `[*]`, `[?(@.type=="Succeeded")]`: see "additional printer columns" in the
Kubernetes documentation of CustomResourceDefinitions.
"""

import re
from collections.abc import Callable
from typing import Any

STEP = re.compile(
    r"""\.(?P<field>(?:[\w/-]|\\\.)+)
      | \['(?P<quoted>[^']+)'\]
      | \[(?P<index>\d+|\*)\]
      | \[\?\(@\.(?P<key>[\w-]+)\s*==\s*(?P<quote>["'])(?P<value>.*?)(?P=quote)\)\]
    """,
    re.VERBOSE,
)
Step = Callable[[Any], list[Any]]


def compile_path(path: str) -> Callable[[Any], list[Any]]:
    """A function that gives all values at a path, none where there are none.

    Raises ValueError for a path outside of the supported part.
    """
    steps: list[Step] = []
    at = 0
    while at < len(path):
        match = STEP.match(path, at)
        if match is None:
            raise ValueError(f"JSONPath {path!r} is not supported at {path[at:]!r}")
        steps.append(_step(match))
        at = match.end()

    def values(value: Any) -> list[Any]:
        found = [value]
        for step in steps:
            found = [inner for outer in found for inner in step(outer)]
        return found

    return values


def _step(match: re.Match[str]) -> Step:
    parts = match.groupdict()
    if parts["key"]:
        return _filter(parts["key"], parts["value"])
    if parts["index"]:
        return _index(parts["index"])
    return _field(parts["quoted"] or parts["field"].replace("\\.", "."))


def _field(name: str) -> Step:
    return lambda value: [value[name]] if isinstance(value, dict) and name in value else []


def _index(text: str) -> Step:
    part = slice(None) if text == "*" else slice(int(text), int(text) + 1)
    return lambda value: value[part] if isinstance(value, list) else []


def _filter(key: str, wanted: str) -> Step:
    def matching(value: Any) -> list[Any]:
        items = value if isinstance(value, list) else []
        return [item for item in items if isinstance(item, dict) and str(item.get(key)) == wanted]

    return matching
