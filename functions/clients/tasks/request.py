"""A request for a run, from what was given and what was found to the server's answer; docs and code alike."""

import os
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic.alias_generators import to_camel

from functions.clients.api_url import FUNCTIONS, function_url
from functions.clients.credentials import Credentials, credentials
from functions.clients.errors import WrongUsage, as_command_error
from functions.clients.output import Say, cell
from functions.clients.submit import Accepted, Key, submit
from functions.clients.tasks.inferred_value import InferredValue
from functions.clients.tasks.spec_validation import kebab, validated
from functions.runs.model.kinds import RunKind
from functions.settings import SettingsError, load_section
from functions.settings.agent import ModelSettings

LONGEST_KEY = 255
"""Characters of a key (functions/submission/acceptance.py)."""

LABEL = 19
"""Width of the first word of a line of progress."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for: `given` has fields of the spec in snake_case, without those left to be found."""

    given: Mapping[str, Any]
    api_url: str | None
    key: str | None = None
    dry_run: bool = False
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: the spec (camelCase) and key as they were sent; without an answer, as they would be."""

    spec: Mapping[str, Any]
    sources: Mapping[str, str]
    """Field (camelCase) to where a value that nobody gave was found."""
    key: str
    accepted: Accepted | None

    @property
    def facts(self) -> dict[str, Any]:
        """All of it, as programs read it."""
        answer = asdict(self.accepted) if self.accepted else {"dryRun": True}
        return {**answer, "idempotencyKey": self.key, "spec": dict(self.spec), "found": dict(self.sources)}


def show(say: Say, what: str, text: object) -> None:
    """Says one thing that was found or done."""
    say(f"{what:<{LABEL}} {cell(text)}".rstrip())


def checked(kind: str, given: Mapping[str, Any], found: Mapping[str, InferredValue], say: Say) -> dict[str, Any]:
    """The spec (camelCase) of what was given and found, which is shown with its source. Raises WrongUsage."""
    for name, each in found.items():
        show(say, kebab(name).removeprefix("--").replace("-url", ""), f"{each.value} ({each.source})")
    return validated(kind, {**{name: each.value for name, each in found.items()}, **given})


def default_model(kind: str, environ: Mapping[str, str]) -> InferredValue:
    """Return the model for runs of this kind, from the setting `models`.

    Raises:
        CommandError: the setting is wrong.
    """
    name = RunKind(kind).word
    with as_command_error(SettingsError):
        return InferredValue(
            str(getattr(load_section(environ, "models", ModelSettings), name)), f"setting models.{name}"
        )


@dataclass(frozen=True, slots=True)
class Prepared:
    """Whom to ask, as whom, and with which key; `who` is None for a dry run, which asks nobody."""

    url: str
    key: Key
    who: Credentials | None


def prepare(request: Request, kind: str) -> Prepared:
    """Looks at all that asking needs, before anything is changed.

    Raises:
        WrongUsage: the URL is missing (but for a dry run) or wrong, or no header can hold the key.
        CommandError: there are no credentials for the URL.
    """
    key = Key(request.key, given=True) if request.key else Key(str(uuid.uuid4()))
    if not (key.text.isascii() and key.text.isprintable()) or len(key.text) > LONGEST_KEY:
        raise WrongUsage(f"--idempotency-key: must have 1 to {LONGEST_KEY} printable ASCII characters")
    if request.dry_run:
        return Prepared(function_url(request.api_url, kind) if request.api_url else "", key, None)
    url = function_url(request.api_url, kind)
    return Prepared(url, key, credentials(url, request.environ))


def send(ready: Prepared, kind: str, spec: Mapping[str, Any], found: Mapping[str, InferredValue], say: Say) -> Outcome:
    """Asks for the run, unless it is a dry run. Raises what `submit` raises."""
    sources = {to_camel(name): each.source for name, each in found.items()}
    if ready.who is None:
        show(say, "would ask", ready.url or f"{FUNCTIONS[kind]} (no --api-url)")
        return Outcome(spec, sources, ready.key.text, None)
    show(say, "asking", f"{ready.url} (idempotency key {ready.key.text})")
    return Outcome(spec, sources, ready.key.text, submit(ready.url, kind, spec, ready.key, say, ready.who))
