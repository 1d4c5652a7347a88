"""A bare function that makes recorded calls to the API server, the queue and GitHub: decides and renders nothing.

The baseline of every function but github_webhook. BARE_CALLS names a JSON file (tests/benchmarks/recording.py) with
two lists of calls: those of the first request, and those of each later one, which repeats the first.
"""

import json
import time
from collections import deque
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cryptography.hazmat.primitives.serialization  # noqa: F401  (every function can read the key of a GitHub App)
import functions_framework
import google.auth.transport.requests  # noqa: F401  (the credentials of the cluster may be Google's)
import yaml  # noqa: F401  (every function can read a settings file)
from cloudevents.http import CloudEvent, from_http
from pydantic_settings import BaseSettings, SettingsConfigDict

from tests.benchmarks.bare import queue
from tests.benchmarks.bare.cluster import Cluster
from tests.benchmarks.bare.process import configure_logs, traced


class Settings(BaseSettings):
    """Environment variables that start with BARE_."""

    model_config = SettingsConfigDict(env_prefix="BARE_")

    calls: Path
    kubeconfig: str
    queue_url: str
    code: int
    """Of the answer."""
    app_id: str = ""
    private_key: str = ""


SETTINGS = Settings()  # type: ignore[call-arg]  # from the environment
FIRST, REPEATED = json.loads(SETTINGS.calls.read_text())
WAITING = deque([FIRST])
configure_logs()


@functions_framework.http
def calls(request: Any) -> tuple[str, int]:
    """Decode the event or the JSON of the request, then make the recorded calls."""
    with traced("calls", request.headers):
        body = request.get_data()
        _ = from_http(request.headers, body) if "ce-id" in request.headers else json.loads(body)
        versions: dict[str, str] = {}
        for call in _next_calls():
            _make(call, versions)
    return "", SETTINGS.code


def _next_calls() -> list[Any]:
    try:
        return list(WAITING.popleft())
    except IndexError:
        return list(REPEATED)


def _make(call: Mapping[str, Any], versions: dict[str, str]) -> None:
    match call["to"]:
        case "cluster":
            _cluster().send(call, versions)
        case "queue":
            _queue().publish(call["topic"], CloudEvent(call["attributes"], call["data"]))
        case "github":
            _github().send(call)


@cache
def _cluster() -> Cluster:
    return Cluster(SETTINGS.kubeconfig)


@cache
def _queue() -> queue.Queue:
    return queue.connect(SETTINGS.queue_url, "")


@cache
def _github() -> Any:
    from tests.benchmarks.bare.github import Github  # loads PyJWT and a Markdown parser: only a function of GitHub's

    return Github(SETTINGS.app_id, SETTINGS.private_key, time.time)
