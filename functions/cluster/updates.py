"""The updates that a reflector yields: changes, failures and progress."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from functions.cluster.client import Object
from functions.cluster.errors import ClusterError

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(frozen=True, slots=True)
class Change:
    """An object changed at `version`; of a deletion that a list revealed, `object` has only the metadata known."""

    type: ChangeType
    object: Object
    version: str

    @property
    def uid(self) -> str:
        """The object's uid."""
        return str(self.object["metadata"]["uid"])


@dataclass(frozen=True, slots=True)
class Failure:
    """A list or watch failed and will be repeated after a pause."""

    error: ClusterError


class Signal(Enum):
    """What else happens on the way."""

    CONTACT = "the API server answered: a page, an open watch, an event or bookmark, the timely end of a watch"
    SYNCED = "everything that the list found has been yielded"
    PAUSE = "a watch ended or failed; the next request follows after a pause"


Update = Change | Failure | Signal
