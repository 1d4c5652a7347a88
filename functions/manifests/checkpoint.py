"""The position at which a pass over all objects stopped for lack of time, a ConfigMap for each pass. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from functions.manifests.config_map import Object, config_map


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


def name_of(pass_name: str) -> str:
    """Return the name of the ConfigMap of a pass; RBAC lists them one by one."""
    return f"orchestrator-{pass_name}"


def parse(raw: Mapping[str, Any]) -> Cursor | None:
    """Return where to continue; None for the start, also if the ConfigMap is not readable."""
    data = raw.get("data") or {}
    return Cursor(data["kind"], data.get("after", ""), data.get("token", "")) if data.get("kind") else None


def new(pass_name: str, namespace: str, cursor: Cursor | None) -> Object:
    """Return the ConfigMap of a pass that continues at the cursor; None: at the start."""
    return config_map(name_of(pass_name), namespace, asdict(cursor) if cursor else {"kind": ""})
