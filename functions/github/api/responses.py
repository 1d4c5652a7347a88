"""Reads required fields of GitHub's answers; raises InvalidResponse if one is missing. Pure.

A proxy or a broken server may answer 200 with a page of its own, an empty body or half of a document. In all
functions `call` names the call that was answered, as `METHOD path`, for the error's text.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

from functions.github.api.errors import InvalidResponse
from functions.github.json_fields import dig_number, dig_text


def text(answer: Any, call: str, *path: str) -> str:
    """Return the non-empty string at that path; raise InvalidResponse if there is none."""
    return dig_text(answer, *path) or _missing("text", call, path)


def number(answer: Any, call: str, *path: str) -> int:
    """Return the positive integer at that path; raise InvalidResponse if there is none."""
    return dig_number(answer, *path) or _missing("number", call, path)


def time(answer: Any, call: str, *path: str) -> datetime:
    """Return the time with zone at that path; raise InvalidResponse if there is none."""
    try:
        parsed = datetime.fromisoformat(text(answer, call, *path))
    except ValueError:
        _missing("time", call, path)
    return parsed if parsed.tzinfo else _missing("time with a zone", call, path)


def items(answer: Any, call: str) -> Sequence[Mapping[str, Any]]:
    """Return the objects of a page: a list, or an object with one list and a total count (as `check_runs`).

    Raises:
        InvalidResponse: the answer is neither.
    """
    lists = [value for value in answer.values() if isinstance(value, list)] if isinstance(answer, dict) else [answer]
    objects = lists[0] if lists else None
    if not isinstance(objects, list) or not all(isinstance(item, dict) for item in objects):
        raise InvalidResponse(f"GitHub's answer to {call} is not a list of objects")
    return objects


def _missing(what: str, call: str, path: Sequence[str]) -> NoReturn:
    raise InvalidResponse(f"GitHub's answer to {call} has no {what} {'.'.join(path)}")
