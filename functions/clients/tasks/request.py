"""Steps that docs and code requests share, from given and inferred values to the server's response."""

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
from functions.clients.tasks.checkout import InferredValue
from functions.clients.tasks.spec_validation import kebab, validated
from functions.runs.model.kinds import RunKind
from functions.settings.agent import ModelSettings
from functions.settings.errors import SettingsError
from functions.settings.sections import load_section

LONGEST_KEY = 255
"""Maximum length of an idempotency key (functions/submission/acceptance.py)."""

LABEL = 19
"""Width of the first word of a line of progress."""


@dataclass(frozen=True, slots=True)
class Request:
    """A user's request: `given` are the fields of the spec (snake_case) that the user set."""

    given: Mapping[str, Any]
    api_url: str | None
    key: str | None = None
    dry_run: bool = False
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    issue: int | None = None
    """The issue of the repository that is the task; None if it is in `given`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of a request: spec (camelCase) and key, and the response; `accepted` is None for a dry run."""

    spec: Mapping[str, Any]
    sources: Mapping[str, str]
    """Source of each inferred field (camelCase)."""
    key: str
    accepted: Accepted | None

    @property
    def facts(self) -> dict[str, Any]:
        """The whole result as JSON types."""
        answer = asdict(self.accepted) if self.accepted else {"dryRun": True}
        return {**answer, "idempotencyKey": self.key, "spec": dict(self.spec), "found": dict(self.sources)}


def show(say: Say, what: str, text: object) -> None:
    """Report one value or step."""
    say(f"{what:<{LABEL}} {cell(text)}".rstrip())


def validate_spec(
    kind: str, given: Mapping[str, Any], inferred: Mapping[str, InferredValue], say: Say
) -> dict[str, Any]:
    """Report inferred values with their sources; return the validated spec (camelCase).

    Raises:
        WrongUsage: a value is not valid.
    """
    for name, item in inferred.items():
        show(say, kebab(name).removeprefix("--").replace("-url", ""), f"{item.value} ({item.source})")
    return validated(kind, {**{name: item.value for name, item in inferred.items()}, **given})


def default_model(kind: str, environ: Mapping[str, str]) -> InferredValue:
    """Return the model for runs of this kind, from the setting `models`.

    Raises:
        CommandError: the setting is wrong.
    """
    wanted = RunKind(kind)
    with as_command_error(SettingsError):
        models = load_section(environ, "models", ModelSettings)
    return InferredValue(models.of(wanted), f"setting models.{wanted.word}")


@dataclass(frozen=True, slots=True)
class Prepared:
    """URL, idempotency key and credentials of a request; `credentials` is None for a dry run."""

    url: str
    key: Key
    credentials: Credentials | None


def prepare(request: Request, kind: str) -> Prepared:
    """Check URL, key and credentials before anything is changed.

    Raises:
        WrongUsage: the URL is wrong, or missing and this is not a dry run; or the key is not valid in a header.
        CommandError: there are no credentials for the URL.
    """
    key = Key(request.key, given=True) if request.key else Key(str(uuid.uuid4()))
    if not (key.text.isascii() and key.text.isprintable()) or len(key.text) > LONGEST_KEY:
        raise WrongUsage(f"--idempotency-key: must have 1 to {LONGEST_KEY} printable ASCII characters")
    if request.dry_run:
        return Prepared(function_url(request.api_url, kind) if request.api_url else "", key, None)
    url = function_url(request.api_url, kind)
    return Prepared(url, key, credentials(url, request.environ))


def send(
    prepared: Prepared, kind: str, spec: Mapping[str, Any], inferred: Mapping[str, InferredValue], say: Say
) -> Outcome:
    """Submit the run, unless it is a dry run.

    Raises:
        CommandError: see `submit`.
    """
    sources = {to_camel(name): item.source for name, item in inferred.items()}
    if prepared.credentials is None:
        show(say, "would ask", prepared.url or f"{FUNCTIONS[kind]} (no --api-url)")
        return Outcome(spec, sources, prepared.key.text, None)
    show(say, "asking", f"{prepared.url} (idempotency key {prepared.key.text})")
    return Outcome(
        spec, sources, prepared.key.text, submit(prepared.url, kind, spec, prepared.key, say, prepared.credentials)
    )
