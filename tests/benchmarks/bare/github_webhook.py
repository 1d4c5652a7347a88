"""A bare github_webhook: verify the signature of a delivery and publish its payload as a CloudEvent."""

import hashlib
import hmac
import json
from functools import cache
from typing import Any

import cryptography.hazmat.primitives.serialization  # noqa: F401  (every function can read the key of a GitHub App)
import functions_framework
import yaml  # noqa: F401  (every function can read a settings file)
from cloudevents.http import CloudEvent
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from tests.benchmarks.bare import queue
from tests.benchmarks.bare.process import configure_logs, traced


class Settings(BaseSettings):
    """Environment variables that start with BARE_."""

    model_config = SettingsConfigDict(env_prefix="BARE_")

    secret: SecretStr
    queue_url: str = ""
    queue_project: str = ""


SETTINGS = Settings()  # type: ignore[call-arg]  # from the environment
configure_logs()


@cache
def connected() -> queue.Queue:
    """Return the queue, connected at the first request."""
    return queue.connect(SETTINGS.queue_url, SETTINGS.queue_project)


@functions_framework.http
def github_webhook(request: Any) -> tuple[str, int]:
    """Answer 200 once the delivery is on the queue, 403 if its signature is wrong."""
    with traced("github_webhook", request.headers):
        body = request.get_data()
        expected = hmac.new(SETTINGS.secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(request.headers["X-Hub-Signature-256"], f"sha256={expected}"):
            return "wrong signature", 403
        connected().publish("github", _event(request.headers, json.loads(body)))
        return "accepted", 200


def _event(headers: Any, payload: Any) -> CloudEvent:
    attributes = {
        "id": headers["X-GitHub-Delivery"],
        "source": "bare",
        "type": f"platform.agents.github.{headers['X-GitHub-Event']}.v1",
        "subject": payload["repository"]["full_name"],
        "datacontenttype": "application/json",
    }
    return CloudEvent(attributes, payload)
