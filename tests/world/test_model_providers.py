"""A22: the real Claude Code with a model behind an OAuth token, a gateway, Bedrock or Vertex.

The broker authenticates; a scripted server records the requests. The agent's container has only a random value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from functions.runs.model.reasons import Reason
from tests.agent.conftest import SpecFactory
from tests.agent.model_server import Model, says, serving
from tests.agent.test_broker_model import google, service_account
from tests.agent.world import PRIVATE_KEY, World
from tests.world.claude_code import ClaudeCode, Done, shell

TOKEN = "secret-of-the-model-7c1d"
PROFILE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
ARN = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{PROFILE}"
BEDROCK = {"provider": "bedrock", "region": "us-east-1"}
VERTEX = {"provider": "vertex", "region": "europe-west1", "project": "acme-agents"}
PLACE = "/projects/acme-agents/locations/europe-west1/publishers/anthropic/models"


@dataclass(frozen=True)
class Case:
    """Settings of the section model, the model of the spec, and the path of the request to the provider."""

    settings: Mapping[str, Any]
    model: str
    path: str


CASES = {
    "oauth token": Case({"credential": "oauth_token"}, "sonnet", "/v1/messages?beta=true"),
    "gateway": Case({"provider": "gateway"}, "sonnet", "/v1/messages?beta=true"),
    "bedrock, inference profile": Case(BEDROCK, PROFILE, f"/model/{PROFILE}/invoke-with-response-stream"),
    "bedrock, ARN": Case(BEDROCK, ARN, f"/model/{ARN}/invoke-with-response-stream"),
    "vertex": Case(VERTEX, "claude-sonnet-4-5@20250929", f"{PLACE}/claude-sonnet-4-5@20250929:streamRawPredict"),
}


def run(world: World, claude: str, make: SpecFactory, case: Case, secret: str) -> Done:
    """Run an attempt that makes a change; return it with the requests to the model."""
    with serving(Model([shell("echo hi > greeting.txt"), says("All done.")])) as model:
        pod = ClaudeCode(world, claude).pod(
            make(model=case.model),
            model,
            settings={"model": {**case.settings, "url": model.url}},
            secrets={"ssh/id_ed25519": PRIVATE_KEY, "model/credential": secret},
        )
        return Done(pod.run(), pod, model)


@pytest.mark.parametrize("name", CASES)
def test_attempt_works_with_each_model_provider(name: str, world: World, claude: str, code_spec: SpecFactory) -> None:
    case = CASES[name]
    with google() as tokens:
        is_vertex = case.settings is VERTEX
        secret = service_account(tokens.url) if is_vertex else TOKEN
        done = run(world, claude, code_spec, case, secret)
    assert done.report.reason is Reason.COMPLETED, done.pod.log
    assert done.report.usage
    assert (done.report.usage.input_tokens, done.report.usage.output_tokens) == (200, 14)
    token = "ya29.1" if is_vertex else TOKEN
    assert {request["headers"].get("Authorization") for request in done.model.requests} == {f"Bearer {token}"}
    for request in done.model.requests:
        headers = {header.lower(): text for header, text in request["headers"].items()}
        assert ("oauth-2025-04-20" in headers["anthropic-beta"]) == (name == "oauth token")
        assert "x-api-key" not in headers
    assert {request["path"].replace("%3A", ":").replace("%2F", "/") for request in done.model.requests} == {case.path}
    assert done.pod.broker
    value = done.pod.broker.ready.credential
    assert value not in str(done.model.requests), "the pod's random value is not sent"
    assert not [secret for secret in (TOKEN, "ya29.", "PRIVATE KEY") if secret in done.pod.log]
    assert done.pod.broker.broker.usage.requests == len(done.model.requests), "the broker counts the requests too"
