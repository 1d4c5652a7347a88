"""What is wrong with the settings, in words: each problem by its key, with what to do."""

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

PREFIX = "ORCHESTRATOR_"
ALIKE = 0.8
"""How much of two names must be the same for one to be meant by the other: a letter or two may differ."""


class SettingsError(Exception):
    """The configuration cannot be used; the text names every key and what to do."""


def explain(error: ValidationError, model: type[BaseModel], within: tuple[str, ...]) -> list[str]:
    """One line for each problem; `model` was validated, as the section `within`."""
    return [_line(item, model, within) for item in error.errors(include_input=False, include_url=False)]


def _line(item: Any, model: type[BaseModel], within: tuple[str, ...]) -> str:
    keys = [*within, *(str(part) for part in item["loc"])]
    if keys and keys[-1] == "[key]":  # pydantic's word for what names a value
        keys.pop()
    key = ".".join(keys)
    settable = takewhile(re.compile("[a-z_]+").fullmatch, keys)  # below it, it is written as JSON
    variable = PREFIX + "__".join(settable).upper()
    match item["type"]:
        case "extra_forbidden":
            advice = _advice(keys, list(_known(model, within)))
            return f"setting {key}: is not known (in the settings file or as {variable}); {advice}"
        case "missing":
            what = "is required"
        case _:
            what = item["msg"].removeprefix("Value error, ")
    return f"setting {key}: {what} (set it in the settings file or as {variable})"


def _known(kind: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The keys of all settings; * is any name that a mapping may have."""
    for each in get_args(kind):
        yield from _known(each, (*above, "*") if get_origin(kind) is dict else above)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield (*above, name)
            yield from _known(field.annotation, (*above, name))


def _advice(keys: list[str], known: list[tuple[str, ...]]) -> str:
    """The setting that was meant, if one is near: beside it, or of its name in another section."""
    from difflib import get_close_matches

    *above, last = keys
    beside = [name for *section, name in known if _are(section, above)]
    near = [".".join((*above, name)) for name in get_close_matches(last, beside, 1, ALIKE)]
    if len(keys) < 3:
        near += get_close_matches(".".join(keys), [".".join(each) for each in known], 1, ALIKE)
        near += [".".join(each) for each in known if each[-1] == last and "*" not in each]
    return f"did you mean {near[0]}?" if near else "remove it"


def _are(section: list[str], above: list[str]) -> bool:
    return len(section) == len(above) and all(own in ("*", key) for own, key in zip(section, above, strict=True))
