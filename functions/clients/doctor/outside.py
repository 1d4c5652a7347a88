"""Checks of services outside the cluster: the queue and the model API."""

import json
from collections.abc import Iterator, Mapping

from functions.clients.doctor import secrets
from functions.clients.doctor.finding import Examined, Finding, ok, problem, unknown
from functions.cluster.errors import ClusterError
from functions.queues import backends
from functions.queues.dead_letters import DeadLetterError
from functions.queues.setup import SetupError
from functions.queues.topology import TOPICS
from functions.settings.model_provider import ModelProviderSettings
from functions.settings.queues import QueueSettings

MODEL_VERSION = "2023-06-01"
"""Anthropic API, Versions."""
OAUTH = "oauth-2025-04-20"
"""The beta of Anthropic's API that accepts OAuth tokens."""


def queue(examined: Examined) -> Iterator[Finding]:
    """Check that the queue answers, has every topic and subscription, and that no message was given up."""
    settings = examined.settings.queues
    try:
        missing = [] if settings.url else _missing(settings)  # the embedded queue's server sets it up
        letters = backends.dead_letters(settings)
        dead = {} if missing else {topic: len(letters.list(topic)) for topic in TOPICS}
    except (DeadLetterError, SetupError) as error:
        hint = "is it set up (orchestrator queues apply), can this machine reach it, and may you read it?"
        yield problem("queue", f"{error}; {hint}")
        return
    if missing:
        yield problem("queue", f"{', '.join(missing)}: not there; orchestrator queues apply creates what is missing")
    elif any(dead.values()):
        counts = ", ".join(f"{topic}: {count}" for topic, count in dead.items() if count)
        yield problem("queue", f"messages could not be delivered ({counts}): see orchestrator queues dead list")
    else:
        yield ok("queue", "answers, no dead letters")


def _missing(settings: QueueSettings) -> list[str]:
    lines = (line.partition(": would be created") for line in backends.apply(settings, dry_run=True))
    return [name for name, would_be_created, _ in lines if would_be_created]


def paused(examined: Examined) -> Iterator[Finding]:
    """Tell that no run starts because the limit is zero."""
    if examined.settings.limits.runs == 0:
        yield problem("limits", "setting limits.runs is 0: every run waits as Queued; raise it to start them")


def model(examined: Examined) -> Iterator[Finding]:
    """Ask the model's API for its list of models, which costs nothing, with the key of the Secret."""
    provider = examined.settings.model
    if provider.provider in ("bedrock", "vertex"):
        yield unknown("model", f"only runs ask {provider.provider} (model.provider)")
        return
    try:
        key = secrets.read_model_key(examined).strip()
    except ClusterError as error:
        yield unknown("model", error)
        return
    url = provider.upstream
    if not key or not key.isascii() or not key.isprintable():
        yield unknown("model", "the key has no text that could be sent")
        return
    try:
        status, _, body = examined.fetch("GET", f"{url}/v1/models?limit=1", _headers(provider, key))
    except OSError as error:
        yield unknown("model", f"{url} does not answer: {error}")
        return
    if status in (401, 403):
        name = examined.settings.secrets.api_key_secret_name
        yield problem("model", f"{url} refuses the key of Secret {name} ({status}): {_message(body)}; replace the key")
    elif status == 200:
        yield ok("model", "the key is accepted")
    else:
        yield unknown("model", f"{url} answers {status}: {_message(body)}")


def _headers(provider: ModelProviderSettings, key: str) -> Mapping[str, str]:
    version = {"anthropic-version": MODEL_VERSION}
    bearer = {"Authorization": f"Bearer {key}"}
    if provider.credential == "oauth_token":
        return version | bearer | {"anthropic-beta": OAUTH}
    return version | (bearer if provider.provider == "gateway" else {"x-api-key": key})


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["message"])[:200]
    except (ValueError, KeyError, TypeError):
        return "no reason given"
