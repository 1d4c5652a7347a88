"""Where a pass over all there is stopped for lack of time, as it is kept on the cluster: a ConfigMap for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the lists that a pass goes through: behind the object `after` of this kind ("": before the first).

    `token` continues the list at the page that object was on; where the API server has forgotten it, names are in the
    same order in a new list.
    """

    kind: str
    after: str = ""
    token: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.after}" if self.after else f"the first {self.kind}"


def name_of(what: str) -> str:
    """The ConfigMap of the pass called `what`; RBAC names them one by one."""
    return f"orchestrator-{what}"


def parse(raw: Mapping[str, Any]) -> Cursor | None:
    """Where to go on; None: from the start, also where nobody can read it."""
    data = raw.get("data") or {}
    return Cursor(data["kind"], data.get("after", ""), data.get("token", "")) if data.get("kind") else None


def new(what: str, namespace: str, mark: Cursor | None) -> Object:
    """Return the ConfigMap of a pass that continues at `mark`; None: at the start."""
    labels = {"app.kubernetes.io/managed-by": "orchestrator"}
    metadata = {"name": name_of(what), "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": _data(mark)}


def _data(mark: Cursor | None) -> dict[str, str]:
    return {"kind": mark.kind, "after": mark.after, "token": mark.token} if mark else {"kind": ""}
