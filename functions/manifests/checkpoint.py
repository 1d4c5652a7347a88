"""Where a pass over all objects stopped for lack of time, as a ConfigMap for each pass. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in the lists of a pass: behind the object `after` of this kind ("": before the first).

    `token` continues the list at the page of that object; if it has expired, a new list has the names in the same
    order.
    """

    kind: str
    after: str = ""
    token: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.after}" if self.after else f"the first {self.kind}"


def name_of(what: str) -> str:
    """Return the name of the ConfigMap of the pass `what`; RBAC lists them one by one."""
    return f"orchestrator-{what}"


def parse(raw: Mapping[str, Any]) -> Cursor | None:
    """Return where to continue; None for the start, also if the ConfigMap is not readable."""
    data = raw.get("data") or {}
    return Cursor(data["kind"], data.get("after", ""), data.get("token", "")) if data.get("kind") else None


def new(what: str, namespace: str, mark: Cursor | None) -> Object:
    """Return the ConfigMap of a pass that continues at `mark`; None: at the start."""
    labels = {"app.kubernetes.io/managed-by": "orchestrator"}
    metadata = {"name": name_of(what), "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": _data(mark)}


def _data(mark: Cursor | None) -> dict[str, str]:
    return {"kind": mark.kind, "after": mark.after, "token": mark.token} if mark else {"kind": ""}
