"""The model's API in the broker's configuration (`broker.json`): where it is, what may be called, which credential."""

import re
from collections.abc import Mapping
from typing import Any

from functions.settings.model import Settings
from functions.settings.model_provider import ModelProviderSettings

MESSAGES = (r"v1/messages(/count_tokens)?", r"v1/models(/[\w.:-]+)?")
"""Anthropic API: Messages, Count tokens, Models."""

BEDROCK = (r"model/[\w.:%-]+/(invoke|invoke-with-response-stream|count-tokens)",)
"""Amazon Bedrock Runtime API: InvokeModel, InvokeModelWithResponseStream, CountTokens."""

VERTEX = r"projects/{project}/locations/{region}/publishers/anthropic/models/[\w.@-]+:(raw|streamRaw)Predict"
"""Vertex AI API: projects.locations.publishers.models."""


def upstream(settings: Settings, agent_cli: str) -> Mapping[str, Any] | None:
    """Return the model's API of that agent CLI; None if no credential is configured for it."""
    key = settings.secrets.api_key(agent_cli)
    if key is None:
        return None
    secret = {"secret": key.secret, "key": key.key}
    if agent_cli != "claude":
        return {"credential": key.credential, "url": key.url.rstrip("/"), "paths": key.paths, **secret}
    model = settings.model
    prices = {name: price.model_dump() for name, price in model.prices.items()}
    place = {"url": model.upstream, "region": model.region}
    return {"credential": _credential(model), "paths": _paths(model), **place, "prices": prices, **secret}


def _credential(model: ModelProviderSettings) -> str:
    match model.provider:
        case "anthropic":
            return "api_key" if model.credential == "api_key" else "bearer_token"
        case "gateway":
            return "bearer_token"
        case other:
            return other


def _paths(model: ModelProviderSettings) -> list[str]:
    match model.provider:
        case "bedrock":
            return [*BEDROCK]
        case "vertex":
            return [VERTEX.format(project=re.escape(model.project), region=re.escape(model.region))]
        case _:
            return [*MESSAGES]
