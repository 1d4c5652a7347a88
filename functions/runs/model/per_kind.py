"""Models with a field for each kind of run, so that a new kind has its settings without an edit there."""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, create_model

from functions.runs.model.kinds import RunKind

Model = TypeVar("Model", bound=BaseModel)


def field_per_kind(name: str, field: Callable[[RunKind], tuple[Any, Any]]) -> Callable[[type[Model]], type[Model]]:
    """Return a class decorator that adds a field for each kind of run.

    `name` is a format of the kind's `word`; `field` returns a field's type and default.
    """

    def decorate(model: type[Model]) -> type[Model]:
        fields: dict[str, Any] = {name.format(word=kind.word): field(kind) for kind in RunKind}
        return create_model(
            model.__name__, __base__=model, __module__=model.__module__, __doc__=model.__doc__, **fields
        )

    return decorate
