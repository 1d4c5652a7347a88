"""The kinds of run, one member each: how a kind is named and how people see it.

Everything that differs between kinds is found from here: facts that need no spec are attributes of the member, others
are abstract members of the spec model (run_spec.py). A `match` over kinds ends in `typing.assert_never`, so that mypy
reports every place that a new kind has to fill in. No `else` stands for a kind.

Needs no pydantic, so that clients can list runs without loading the models.
"""

import dataclasses
from collections.abc import Mapping, Sequence
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
REASON = Column("Reason", "string", '.status.conditions[?(@.type=="Succeeded")].reason')
_PULL_REQUEST = Column("PR", "string", ".status.pullRequestUrl")
_AGE = Column("Age", "date", ".metadata.creationTimestamp")
_WIDE = (
    Column("Model", "string", ".spec.model", wide=True),
    Column("Job", "string", ".status.jobName", wide=True),
    Column("Cost", "string", ".status.usage.costUsd", wide=True),
)
_MESSAGE = Column("Message", "string", ".status.message")
"""The reason why a run waits or how it ended; the last column, because it may be long."""


@dataclass(frozen=True, slots=True)
class KindFacts:
    """The properties that all runs of a kind share."""

    word: str
    short_name: str
    is_retriable: bool
    has_tools: bool
    default_model: str
    default_deadline: int
    columns: Sequence[Column]


class RunKind(StrEnum):
    """A kind of run; the value is its `kind` on the API server."""

    word: str
    """The name of its work, as in `orchestrator task docs` and in the function `submit_<word>`."""
    plural: str
    """The plural, as in paths of the API server."""
    short_name: str
    """The short name, as in `kubectl get dr`."""
    is_retriable: bool
    """Whether a person can ask for another attempt (by raising spec.contextVersion)."""
    has_tools: bool
    """Whether its agents have MCP tools."""
    default_model: str
    """Model of runs that name none: default of the setting `models`. An alias, because full names retire."""
    default_deadline: int
    """Longest an attempt may take, in seconds: default of the setting `job.<word>_deadline`."""
    columns: Sequence[Column]

    def __new__(cls, name: str, facts: KindFacts | None = None) -> Self:
        """Create a member from its facts.

        The default is for type checkers, which take RunKind("CodeRun") for a call of this.
        """
        assert facts
        member = str.__new__(cls, name)
        member._value_ = name
        member.plural = f"{name.lower()}s"
        for field in dataclasses.fields(facts):
            setattr(member, field.name, getattr(facts, field.name))
        return member

    @property
    def function(self) -> str:
        """The function that creates its runs."""
        return f"submit_{self.word}"

    DOCS = (
        "DocsRun",
        KindFacts(
            word="docs",
            short_name="dr",
            is_retriable=False,
            has_tools=False,
            default_model="opus",
            default_deadline=14_400,
            columns=(
                Column("Repository", "string", ".spec.repositoryUrl"),
                _PHASE,
                REASON,
                _PULL_REQUEST,
                _AGE,
                *_WIDE,
                _MESSAGE,
            ),
        ),
    )
    CODE = (
        "CodeRun",
        KindFacts(
            word="code",
            short_name="cr",
            is_retriable=True,
            has_tools=True,
            default_model="sonnet",
            default_deadline=7200,
            columns=(
                Column("Task", "string", ".status.task"),
                Column("Service", "string", ".status.service"),
                Column("Agent", "string", ".status.agent"),
                _PHASE,
                REASON,
                Column("Attempt", "integer", ".status.attempt"),
                _PULL_REQUEST,
                _AGE,
                *_WIDE,
                _MESSAGE,
            ),
        ),
    )


BY_WORD: Mapping[str, RunKind] = {kind.word: kind for kind in RunKind}
"""The kinds by what people call their work."""
