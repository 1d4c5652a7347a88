"""What a tool is: a name, words, arguments, and work in a thread that says how far it is."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from functions.clients.errors import CommandError
from functions.clients.mcp.arguments import Given, parse, rename_options
from functions.clients.output import Say


@dataclass(frozen=True, slots=True)
class Result:
    """What a call came to: a line for people, the parameters it used, and the facts."""

    text: str
    parameters: Mapping[str, Any]
    facts: Mapping[str, Any]

    @property
    def structured(self) -> dict[str, Any]:
        """All of it, as programs read it. The line is in it too: Claude Code shows a model this and not the text."""
        return {"summary": self.text, "parameters": dict(self.parameters), **self.facts}

    @property
    def content(self) -> str:
        """All of it, for a model that reads text only."""
        return json.dumps(self.structured, indent=2, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Tool(Generic[Given]):
    """A tool; `work` may block, says each step, and raises CommandError where it cannot do its work."""

    name: str
    description: str
    arguments: type[Given]
    work: Callable[[Given, Say], Result]
    changes: bool = True
    """Whether it changes anything."""
    repeatable: bool = False
    """Whether a second call with the same arguments changes nothing more."""
    destroys: bool = False
    """Whether it ends something that does not come back by itself."""

    def call(self, given: Mapping[str, Any], say: Say) -> Result:
        """Does the work. Raises CommandError, in the words of the tool's parameters."""
        try:
            return self.work(parse(self.arguments, given), say)
        except CommandError as error:
            raise type_of(error)(rename_options(str(error), self.arguments)) from error


def type_of(error: CommandError) -> type[CommandError]:
    """The nearest family of the error that is made from a text alone."""
    return next(family for family in type(error).__mro__ if family.__module__ == CommandError.__module__)
