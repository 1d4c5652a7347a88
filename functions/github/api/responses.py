"""Reads what nothing goes on without from GitHub's answers; one in which that is not there is garbled. Pure.

A proxy or a broken server answers 200 with a page of its own, with nothing, or with half of what was asked for.
`call` is the call that was answered, as `METHOD path`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

from functions.github.api.errors import InvalidResponse
from functions.github.webhook import event


def text(answer: Any, call: str, *path: str) -> str:
    """The text at that path. Raises Garbled."""
    return event.dig_text(answer, *path) or _lacks("text", call, path)


def number(answer: Any, call: str, *path: str) -> int:
    """The number at that path. Raises Garbled."""
    return event.dig_number(answer, *path) or _lacks("number", call, path)


def time(answer: Any, call: str, *path: str) -> datetime:
    """The time at that path. Raises Garbled."""
    try:
        found = datetime.fromisoformat(text(answer, call, *path))
    except ValueError:
        _lacks("time", call, path)
    return found if found.tzinfo else _lacks("time with a zone", call, path)


def items(answer: Any, call: str) -> Sequence[Mapping[str, Any]]:
    """A page: a list of objects, or an object with one list and a count of all there are (`check_runs`).

    Raises:
        Garbled: it is neither.
    """
    lists = [each for each in answer.values() if isinstance(each, list)] if isinstance(answer, dict) else [answer]
    found = lists[0] if lists else None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise InvalidResponse(f"GitHub's answer to {call} is no list of objects")
    return found


def _lacks(what: str, call: str, path: Sequence[str]) -> NoReturn:
    raise InvalidResponse(f"GitHub's answer to {call} has no {what} {'.'.join(path)}")
