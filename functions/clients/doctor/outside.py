"""What the installation reaches: the queue, the image registry, the model's API."""

import json
import re
from collections.abc import Iterator

from functions.clients.doctor import secrets
from functions.clients.doctor.finding import Examined, Finding, ok, problem, unknown
from functions.cluster.errors import ClusterError
from functions.queues import backends
from functions.queues.dead_letters import DeadLetterError
from functions.queues.setup import SetupError
from functions.queues.topology import TOPICS
from functions.settings.queues import QueueSettings

MODEL_API = "https://api.anthropic.com"
MODEL_VERSION = "2023-06-01"
"""Anthropic API, Versions."""
MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
"""What a registry may answer for a tag (OCI distribution specification)."""


def queue(examined: Examined) -> Iterator[Finding]:
    """Check that the queue answers, has every topic and subscription, and that no message was given up."""
    settings = examined.settings.queues
    try:
        missing = [] if settings.url else _missing(settings)  # the embedded queue's server sets it up
        letters = backends.dead_letters(settings)
        dead = {} if missing else {topic: len(letters.list(topic)) for topic in TOPICS}
    except (DeadLetterError, SetupError) as error:
        yield problem("queue", f"{error}; is it set up (orchestrator queues apply), and may you read it?")
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


def image(examined: Examined) -> Iterator[Finding]:
    """Ask the registry for the agent image, without credentials."""
    name, tag = examined.settings.agent.image, examined.settings.agent.tag
    host, _, repository = name.partition("/")
    if examined.settings.agent.pull_policy == "Never" or not re.search(r"[.:]", host):
        yield unknown("image", f"{name}:{tag} names no registry that can be asked")
        return
    scheme = "http" if re.match(r"(127\.|localhost)", host) else "https"
    reference = tag.partition("@")[2] or tag
    try:
        url = f"{scheme}://{host}/v2/{repository}/manifests/{reference}"
        status, _, _ = examined.fetch("HEAD", url, {"Accept": MANIFESTS})
    except OSError as error:
        yield problem("image", f"registry {host} does not answer: {error}; correct agent.image")
        return
    if status == 404:
        yield problem("image", f"{name} has no {reference}: push it, or correct agent.image and agent.tag")
    elif status == 200:
        yield ok("image", f"{name}:{tag}")
    else:
        yield unknown("image", f"registry {host} answers {status} without credentials; nodes may have them")


def model(examined: Examined) -> Iterator[Finding]:
    """Ask the model's API for its list of models, which costs nothing, with the key of the Secret."""
    try:
        key = secrets.read_model_key(examined).strip()
    except ClusterError as error:
        yield unknown("model", error)
        return
    url = examined.environ.get("ANTHROPIC_BASE_URL", MODEL_API).rstrip("/")
    if not key or not key.isascii() or not key.isprintable():
        yield unknown("model", "the key has no text that could be sent")
        return
    try:
        headers = {"x-api-key": key, "anthropic-version": MODEL_VERSION}
        status, _, body = examined.fetch("GET", f"{url}/v1/models?limit=1", headers)
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


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["message"])[:200]
    except (ValueError, KeyError, TypeError):
        return "no reason given"
