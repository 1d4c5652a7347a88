"""The run that an object was created for, as its metadata says. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.runs import api_group
from functions.runs.model.kinds import RunKind

_KINDS = frozenset(RunKind)


@dataclass(frozen=True, slots=True)
class Owner:
    """An owner reference to a run; the run is in the namespace of the object."""

    kind: str
    name: str
    uid: str


def run_owner(metadata: Mapping[str, Any]) -> Owner | None:
    """Return the owner reference to a run; None if there is none that is complete.

    `metadata` may be of an object that no API server has checked.
    """
    references = metadata.get("ownerReferences")
    for reference in references if isinstance(references, list) else ():
        if not isinstance(reference, Mapping) or reference.get("apiVersion") != api_group.API_VERSION:
            continue
        kind, name, uid = (reference.get(field) for field in ("kind", "name", "uid"))
        if isinstance(kind, str) and kind in _KINDS and isinstance(name, str) and isinstance(uid, str) and name and uid:
            return Owner(kind, name, uid)
    return None
