"""The page of all settings, from their models."""

import json
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from functions.clients.reference.markdown import GENERATED, code, table
from functions.settings.model import Settings

HEAD = f"""# Configuration

{GENERATED}
The functions read settings from a YAML file, which `ORCHESTRATOR_CONFIG` names, and from the environment, which wins.
The variable of `job.code_deadline` is `ORCHESTRATOR_JOB__CODE_DEADLINE`; a list or an object is JSON there. An unknown
key, or a value that is not valid, stops a function at its start, naming the key. `orchestrator config check` shows the
effective settings, and every problem with them. Two settings have no default: `agent.image` and
`broker.image`.
"""


def page() -> str:
    """Return the page."""
    sections, single = [], []
    for name, field in Settings.model_fields.items():
        model = _model(field.annotation)
        if model is None:
            single.append(_row(name, field, field.default))
        else:
            sections.append((name, model))
    parts = [HEAD, _table(iter(single)), *(part for name, model in sections for part in _section(name, model))]
    return "\n".join(parts)


def _section(name: str, model: type[BaseModel]) -> Iterator[str]:
    yield f"\n## {name}\n"
    if model.__doc__:
        yield " ".join(model.__doc__.split()) + "\n"
    yield _table(_rows(name, model))


def _rows(path: str, model: type[BaseModel], section: Any = None) -> Iterator[tuple[str, str, str]]:
    """Yield a row for each field; its default is that of `section`, if the section has a default itself."""
    for name, field in model.model_fields.items():
        inner, default = _model(field.annotation), getattr(section, name, field.default)
        if inner is None:
            yield _row(f"{path}.{name}", field, default)
        elif default is None:  # a section that may be left out
            yield from ((key, "", text) for key, _, text in _rows(f"{path}.{name}", inner))
        else:
            yield from _rows(f"{path}.{name}", inner, default)


def _row(path: str, field: FieldInfo, default: Any) -> tuple[str, str, str]:
    return code(path), _default(field, default), " ".join((field.description or "").split())


def _table(rows: Iterator[tuple[str, str, str]]) -> str:
    return table(("setting", "default", ""), rows)


def _model(annotation: Any) -> type[BaseModel] | None:
    """Return the model of a section; None for a value. A section that may be left out is one too."""
    if get_origin(annotation) in (typing.Union, types.UnionType):
        options = [each for each in get_args(annotation) if each is not types.NoneType]
        annotation = options[0] if len(options) == 1 else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _default(field: FieldInfo, value: Any) -> str:
    if field.default_factory is not None:
        return ""
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, Path):
        return code(value.name)
    value = to_jsonable_python(value)
    if value is None or value == "" or not field.repr:
        return ""
    return code(value if isinstance(value, str) else json.dumps(value))
