"""Deletes what has been kept long enough, at the version that was seen: who is second finds nothing."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from functions.cluster.errors import Conflict, NotFound
from functions.cluster.kinds import Kind
from functions.serving.dependencies import Dependencies

log = logging.getLogger("orchestrator")

Object = Mapping[str, Any]
Chore = Callable[[Counter[str]], None]
"""What a pass has to do about one object, and counts."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One version of an object."""

    namespace: str
    name: str
    uid: str
    version: str


def seen(metadata: Object) -> Seen:
    """The version with this metadata."""
    return Seen(metadata["namespace"], metadata["name"], metadata["uid"], metadata["resourceVersion"])


def delete(services: Dependencies, kind: Kind, item: Seen, what: str, counts: Counter[str]) -> None:
    """Deletes that version alone, and counts it as one of `what`. Raises a ClusterError."""
    try:
        services.cluster.delete(kind, item.namespace, item.name, item.uid, item.version)
        counts[what] += 1
        log.info("%s: %s deleted", what, item.name)
    except (Conflict, NotFound) as error:  # it has changed, or somebody else was first
        log.info("%s: %s was left alone: %s", what, item.name, error)
