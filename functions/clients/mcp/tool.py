"""Definition of a tool: name, description, arguments and a function that reports progress."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from functions.clients.errors import CommandError
from functions.clients.mcp.arguments import Given, parse, rename_options
from functions.clients.output import Say


@dataclass(frozen=True, slots=True)
class Result:
    """Result of a call: a summary, the parameters that were used, and facts."""

    text: str
    parameters: Mapping[str, Any]
    facts: Mapping[str, Any]

    @property
    def structured(self) -> dict[str, Any]:
        """The whole result as JSON types. The line is in it too: Claude Code shows a model this and not the text."""
        return {"summary": self.text, "parameters": dict(self.parameters), **self.facts}

    @property
    def content(self) -> str:
        """The result as JSON text, for models that read only text."""
        return json.dumps(self.structured, indent=2, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Tool(Generic[Given]):
    """A tool; `work` may block, reports each step, and raises CommandError if it fails."""

    name: str
    description: str
    arguments: type[Given]
    work: Callable[[Given, Say], Result]
    changes: bool = True
    """Whether a call changes anything."""
    repeatable: bool = False
    """Whether a second call with the same arguments has no further effect."""
    destroys: bool = False
    """Whether a call has an effect that cannot be undone."""

    def call(self, given: Mapping[str, Any], say: Say) -> Result:
        """Validate the arguments and run the tool.

        Raises:
            CommandError: the call failed; the text names parameters, not options.
        """
        try:
            return self.work(parse(self.arguments, given), say)
        except CommandError as error:
            raise type_of(error)(rename_options(str(error), self.arguments)) from error


def type_of(error: CommandError) -> type[CommandError]:
    """Return the nearest base class of the error in `errors`; its only argument is a text."""
    return next(family for family in type(error).__mro__ if family.__module__ == CommandError.__module__)
