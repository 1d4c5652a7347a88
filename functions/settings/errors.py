"""Problems with the settings, explained to the person who wrote them: one line per setting, with what to do."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import takewhile
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from functions.runs.model.run import in_words

PREFIX = "ORCHESTRATOR_"
SIMILARITY = 0.8
"""The similarity (difflib's ratio) from which a known name is suggested for an unknown one: a letter or two differ."""


class SettingsError(Exception):
    """The configuration cannot be used; the text names every setting and what to do."""


def explain(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return one line for each problem that validating `model` found; no line repeats a value."""
    return [_line(item, model) for item in error.errors(include_input=False, include_url=False)]


def _line(item: Any, model: type[BaseModel]) -> str:
    keys = [str(part) for part in item["loc"]]
    if keys and keys[-1] == "[key]":  # pydantic's marker for a problem with a mapping's key
        keys.pop()
    key = ".".join(keys)
    settable = takewhile(re.compile("[a-z_]+").fullmatch, keys)  # deeper values are part of a variable's JSON
    variable = PREFIX + "__".join(settable).upper()
    match item["type"]:
        case "extra_forbidden":
            advice = _advice(keys, list(_known_keys(model)))
            return f"setting {key}: is not known (in the settings file or as {variable}); {advice}"
        case "missing":
            what = "is required"
        case "int_parsing" | "int_type":
            what = "must be a whole number without a unit"
        case _:
            what = in_words(item["msg"])
    return f"setting {key}: {what} (set it in the settings file or as {variable})"


def _known_keys(kind: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every setting; * stands for the names in a mapping."""
    for argument in get_args(kind):
        yield from _known_keys(argument, (*above, "*") if get_origin(kind) is dict else above)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield (*above, name)
            yield from _known_keys(field.annotation, (*above, name))


def _advice(keys: list[str], known: list[tuple[str, ...]]) -> str:
    """Return what to do about an unknown setting: use a similar name in its section or another, or remove it."""
    *above, last = keys
    siblings = [name for *section, name in known if _matches(section, above)]
    similar = [".".join((*above, name)) for name in get_close_matches(last, siblings, 1, SIMILARITY)]
    if len(keys) < 3:
        similar += get_close_matches(".".join(keys), [".".join(path) for path in known], 1, SIMILARITY)
        similar += [".".join(path) for path in known if path[-1] == last and "*" not in path]
    return f"did you mean {similar[0]}?" if similar else "remove it"


def _matches(section: list[str], above: list[str]) -> bool:
    return len(section) == len(above) and all(own in ("*", key) for own, key in zip(section, above, strict=True))
