"""Facts that each kind of spec derives from its fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaskIdentity:
    """The task that a run implements, and the service it is for."""

    id: int | str
    """Of Task Master, or `issue-<number>`, or `prompt`."""
    service: str
    url: str = ""
    """The page of a task that is not Task Master's; it distinguishes tasks of the same id."""
    is_exclusive: bool = True
    """Whether at most one unfinished run may have the task; two prompts are never the same task."""


@dataclass(frozen=True, slots=True)
class RequestedTools:
    """The MCP tools of a run: a preset of the settings, and names that replace its lists."""

    preset: str
    remote: Sequence[str]
    local: Sequence[str]


@dataclass(frozen=True, slots=True)
class Purpose:
    """The work of a run, for people: a noun, and by preposition the names that belong to it."""

    noun: str
    details: Mapping[str, str]
