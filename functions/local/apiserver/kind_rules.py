"""What differs from kind to kind when an object is written; the writer does what all have in common."""

from typing import Any, ClassVar, Literal

from functions.local.apiserver.errors import Cause, Obj
from functions.local.apiserver.validation import compile_schema, misfit

ROOT = ("apiVersion", "kind", "metadata")  # every object has them, no shape needs to name them
BY_NAME = ("metadata.name", "metadata.namespace")
Propagation = Literal["Background", "Foreground", "Orphan"]


class InvalidFieldError(ValueError):
    """A value has a type that its field cannot have."""


class Rules:
    """The rules of an ordinary kind. Objects are changed in place, before anybody else sees them."""

    shape: ClassVar[Obj] = {"type": "object"}
    default_propagation: ClassVar[Propagation] = "Background"
    unconditional_update: ClassVar[bool] = True  # PUT without resourceVersion
    create_on_update: ClassVar[bool] = False  # PUT of an object that does not exist
    has_generation: ClassVar[bool] = False
    selectable: ClassVar[tuple[str, ...]] = BY_NAME  # by field selectors
    not_selectable: ClassVar[str] = (
        '"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
    )
    graceful: ClassVar[bool] = False  # DELETE answers with the object, even if it is gone

    def __init__(self) -> None:
        self._shape = compile_schema(self.shape)

    def admit(self, obj: Obj) -> list[str]:
        """Bring an object into its full form: without nulls and unknown fields, with defaults.

        Returns the paths of the unknown fields. Raises MisfitError for a value of the wrong type.
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
        """Set what only the server decides about a new object."""

    def complete(self, obj: Obj) -> None:
        """Fill in what depends on an object that was found to be right."""

    def on_update(self, obj: Obj, old: Obj) -> None:
        """Keep what a write to the main endpoint may not change."""

    def on_status(self, obj: Obj, old: Obj) -> None:
        """Keep what a write to /status may not change: everything else but the metadata."""
        for field in obj.keys() | old.keys():
            if field not in ("metadata", "status"):
                preserve(field, obj, old)

    def check(self, obj: Obj, old: Obj | None, *, status: bool) -> list[Cause]:  # noqa: ARG002
        """Every problem of an object that is to be written; `old` is None for a new one."""
        return []

    def grace_seconds(self, obj: Obj, asked: int | None) -> int:  # noqa: ARG002
        """How long a deleted object stays so that someone can end what it stands for."""
        return 0

    def fields(self, obj: Obj) -> dict[str, str]:
        """The values of the selectable fields; an absent one is ''."""
        return {path: str(_at(path, obj)) for path in self.selectable}


class WithStatus(Rules):
    """A kind whose status is written at its own endpoint."""

    def on_create(self, obj: Obj) -> None:
        """A new object has no status."""
        obj.pop("status", None)

    def on_update(self, obj: Obj, old: Obj) -> None:
        """The main endpoint does not change the status."""
        preserve("status", obj, old)


def drop_nulls(value: Any) -> None:
    """Remove fields that are null: for built-in kinds they are the same as absent ones."""
    if isinstance(value, dict):
        for field in [field for field, inner in value.items() if inner is None]:
            del value[field]
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        drop_nulls(inner)


def _at(path: str, obj: Obj) -> Any:
    value: Any = obj
    for part in path.split("."):
        value = value.get(part, "") if isinstance(value, dict) else ""
    return value


def preserve(field: str, obj: Obj, old: Obj) -> None:
    """Give `obj` the field as it was."""
    if field in old:
        obj[field] = old[field]
    else:
        obj.pop(field, None)
