"""The rules for writing that differ between kinds; the writer applies the common ones."""

from typing import Any, ClassVar, Literal

from functions.local.apiserver.errors import Cause, Obj
from functions.local.apiserver.field_sets import BUILT_IN, Lists
from functions.local.apiserver.validation import compile_schema, misfit

ROOT = ("apiVersion", "kind", "metadata")  # every object has them; shapes do not name them
BY_NAME = ("metadata.name", "metadata.namespace")
Propagation = Literal["Background", "Foreground", "Orphan"]


class InvalidFieldError(ValueError):
    """A value has a type that its field cannot have."""


class Rules:
    """The default rules; methods change objects in place, before they are stored."""

    shape: ClassVar[Obj] = {"type": "object"}
    default_propagation: ClassVar[Propagation] = "Background"
    unconditional_update: ClassVar[bool] = True  # PUT without resourceVersion
    has_generation: ClassVar[bool] = False
    selectable: ClassVar[tuple[str, ...]] = BY_NAME  # by field selectors
    not_selectable: ClassVar[str] = (
        '"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
    )
    graceful: ClassVar[bool] = False  # DELETE returns the object, even if it is removed immediately

    def __init__(self) -> None:
        self._shape = compile_schema(self.shape)
        self.structural: Obj = {}
        """The published schema; empty if there is none."""
        self.lists: Lists = BUILT_IN
        """The lists of its objects in which each item has an owner."""

    def admit(self, obj: Obj) -> list[str]:
        """Remove nulls and unknown fields and set defaults; return the paths of the unknown fields.

        Raises:
            InvalidFieldError: a value has the wrong type.
        """
        drop_nulls(obj)
        problem = misfit(self._shape, obj)
        if problem:
            raise InvalidFieldError(problem)
        unknown = [field for field in obj if field not in self.shape.get("properties", obj) and field not in ROOT]
        for field in unknown:
            del obj[field]
        self.default(obj)
        return unknown

    def default(self, obj: Obj) -> None:
        """Set defaults."""

    def on_create(self, obj: Obj) -> None:
        """Set the fields of a new object that only the server sets."""

    def complete(self, obj: Obj) -> None:
        """Fill in fields derived from a valid object."""

    def on_update(self, obj: Obj, old: Obj) -> None:
        """Keep the fields that a write to the main endpoint cannot change."""

    def on_status(self, obj: Obj, old: Obj) -> None:
        """Keep the fields that a write to /status cannot change: all but status and metadata."""
        for field in obj.keys() | old.keys():
            if field not in ("metadata", "status"):
                preserve(field, obj, old)

    def check(self, obj: Obj, old: Obj | None, *, status: bool) -> list[Cause]:  # noqa: ARG002
        """Return every problem of an object to be written; `old` is None for a new one."""
        return []

    def grace_seconds(self, obj: Obj, requested: int | None) -> int:  # noqa: ARG002
        """Return how long a deleted object stays, so that its runner can stop it."""
        return 0

    def fields(self, obj: Obj) -> dict[str, str]:
        """Return the values of the selectable fields; an absent one is ''."""
        return {path: str(_value_at(path, obj)) for path in self.selectable}


class WithStatus(Rules):
    """Rules of a kind with a status subresource."""

    def on_create(self, obj: Obj) -> None:
        """Remove the status."""
        obj.pop("status", None)

    def on_update(self, obj: Obj, old: Obj) -> None:
        """Keep the old status."""
        preserve("status", obj, old)


def drop_nulls(value: Any) -> None:
    """Remove null fields; in built-in kinds they are equal to absent ones."""
    if isinstance(value, dict):
        for field in [field for field, inner in value.items() if inner is None]:
            del value[field]
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        drop_nulls(inner)


def _value_at(path: str, obj: Obj) -> Any:
    value: Any = obj
    for part in path.split("."):
        value = value.get(part, "") if isinstance(value, dict) else ""
    return value


def preserve(field: str, obj: Obj, old: Obj) -> None:
    """Give `obj` the field as it is in `old`, or remove it."""
    if field in old:
        obj[field] = old[field]
    else:
        obj.pop(field, None)
