"""The kinds of run, one member each: how a kind is named and how people see it.

Everything that differs between kinds is found from here: facts are attributes of the member; behaviour is a `match`
over the kind, or over the spec models (specs.py), that ends in `typing.assert_never`, so that mypy reports every place
that a new kind has to fill in. No `else` stands for a kind.

Needs no pydantic, so that clients can list runs without loading the models.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


@dataclass(frozen=True, slots=True)
class Column:
    """A printer column of `kubectl get`: heading, OpenAPI type, JSONPath; `wide` ones show with `-o wide` only."""

    name: str
    type: str
    path: str
    wide: bool = False


_PHASE = Column("Phase", "string", ".status.phase")
_REASON = Column("Reason", "string", '.status.conditions[?(@.type=="Succeeded")].reason')
_PULL_REQUEST = Column("PR", "string", ".status.pullRequestUrl")
_AGE = Column("Age", "date", ".metadata.creationTimestamp")
_WIDE = (
    Column("Model", "string", ".spec.model", wide=True),
    Column("Job", "string", ".status.jobName", wide=True),
    Column("Cost", "string", ".status.usage.costUsd", wide=True),
)


class RunKind(StrEnum):
    """A kind of run; the value is its `kind` on the API server."""

    word: str
    """What people call its work, as in `orchestrator task docs`; also the function `submit_<word>`."""
    plural: str
    """As in the paths of the API server."""
    short_name: str
    """As in `kubectl get dr`."""
    is_retriable: bool
    """Whether a person can ask for another attempt (by raising spec.contextVersion)."""
    columns: Sequence[Column]

    def __new__(
        cls, name: str, word: str = "", short_name: str = "", is_retriable: bool = False, columns: Sequence[Column] = ()
    ) -> Self:
        """Create a member from its row.

        The defaults are for type checkers, which take RunKind("CodeRun") for a call of this.
        """
        member = str.__new__(cls, name)
        member._value_ = name
        member.word, member.plural, member.short_name = word, f"{name.lower()}s", short_name
        member.is_retriable, member.columns = is_retriable, columns
        return member

    DOCS = (
        "DocsRun",
        "docs",
        "dr",
        False,
        (
            Column("Repository", "string", ".spec.repositoryUrl"),
            _PHASE,
            _REASON,
            _PULL_REQUEST,
            _AGE,
            *_WIDE,
        ),
    )
    CODE = (
        "CodeRun",
        "code",
        "cr",
        True,
        (
            Column("Task", "string", ".status.task"),
            Column("Service", "string", ".status.service"),
            Column("Agent", "string", ".status.agent"),
            _PHASE,
            _REASON,
            Column("Attempt", "integer", ".status.attempt"),
            _PULL_REQUEST,
            _AGE,
            *_WIDE,
        ),
    )
