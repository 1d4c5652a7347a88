"""The subset of JSONPath used by printer columns of CRDs.

`.a.b` and `[?(@.type=="Succeeded")]`: see "additional printer columns" in the
Kubernetes documentation of CustomResourceDefinitions.
"""

import re
from collections.abc import Callable
from typing import Any

STEP = re.compile(
    r"""\.(?P<field>[\w/-]+)
      | \[\?\(@\.(?P<key>[\w-]+)\s*==\s*(?P<quote>["'])(?P<value>.*?)(?P=quote)\)\]
    """,
    re.VERBOSE,
)
Step = Callable[[Any], list[Any]]


def compile_path(path: str) -> Callable[[Any], list[Any]]:
    """Return a function that returns all values at a path in an object.

    Raises:
        ValueError: the path is not in the supported subset.
    """
    steps: list[Step] = []
    position = 0
    while position < len(path):
        match = STEP.match(path, position)
        if match is None:
            raise ValueError(f"JSONPath {path!r} is not supported at {path[position:]!r}")
        steps.append(_step(match))
        position = match.end()

    def values(value: Any) -> list[Any]:
        selected = [value]
        for step in steps:
            selected = [inner for outer in selected for inner in step(outer)]
        return selected

    return values


def _step(match: re.Match[str]) -> Step:
    parts = match.groupdict()
    if parts["key"]:
        return _filter(parts["key"], parts["value"])
    return _field(parts["field"])


def _field(name: str) -> Step:
    return lambda value: [value[name]] if isinstance(value, dict) and name in value else []


def _filter(key: str, expected: str) -> Step:
    def matching(value: Any) -> list[Any]:
        items = value if isinstance(value, list) else []
        return [item for item in items if isinstance(item, dict) and str(item.get(key)) == expected]

    return matching
