"""The owners of an object's fields, as the entries of `metadata.managedFields` name them."""

from dataclasses import dataclass
from typing import Any

from functions.local.apiserver import field_sets
from functions.local.apiserver.errors import Obj
from functions.local.apiserver.field_sets import Path


@dataclass(frozen=True, slots=True)
class Owner:
    """One entry of managedFields: a manager, how it writes, and its fields."""

    manager: str
    operation: str
    version: str
    subresource: str
    time: str = ""
    paths: frozenset[Path] = frozenset()

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """The key of the entry; that of an apply does not depend on the version."""
        return self.operation, self.manager, self.subresource, "" if self.operation == "Apply" else self.version

    @property
    def shown(self) -> str:
        """The owner in the message of a conflict."""
        part = f' with subresource "{self.subresource}"' if self.subresource else ""
        return f'"{self.manager}"{part}' + ("" if self.operation == "Apply" else f" using {self.version}")


def edited(given: Any, old: Obj) -> list[Owner]:
    """Return the owners that a client sends; those of the old object if there are none or the list is malformed.

    A list of one empty entry removes all owners.
    """
    if given == [{}]:
        return []
    try:
        return [_owner(entry) for entry in given or ()] or owners(old)
    except (AttributeError, KeyError, TypeError, ValueError):
        return owners(old)


def owners(obj: Obj) -> list[Owner]:
    """Return the owners of an object's fields."""
    return [_owner(entry) for entry in obj["metadata"].get("managedFields", ())]


def _owner(entry: Obj) -> Owner:
    """Return an entry of managedFields; raise an AttributeError, KeyError, TypeError or ValueError if malformed."""
    owner = Owner(
        entry["manager"],
        entry["operation"],
        entry["apiVersion"],
        entry.get("subresource", ""),
        entry["time"],
        frozenset(field_sets.from_wire(entry["fieldsV1"])),
    )
    texts = (owner.manager, owner.version, owner.subresource, owner.time)
    if owner.operation not in ("Apply", "Update") or not all(isinstance(text, str) for text in texts):
        raise ValueError("not an entry of managedFields")
    return owner


def wire(found: list[Owner]) -> list[Obj]:
    """Return the entries in the real server's order, without those that own no field."""
    ordered = sorted(found, key=lambda each: (each.operation, each.time, each.manager, each.subresource))
    return [_entry(owner) for owner in ordered if owner.paths]


def _entry(owner: Owner) -> Obj:
    entry: dict[str, Any] = {
        "manager": owner.manager,
        "operation": owner.operation,
        "apiVersion": owner.version,
        "time": owner.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": field_sets.to_wire(owner.paths),
    }
    return entry | ({"subresource": owner.subresource} if owner.subresource else {})
