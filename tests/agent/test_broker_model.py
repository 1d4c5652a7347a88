"""The model API through the broker: one upstream; the broker adds the credential, streams and counts.

| credential           | header that the broker adds                                       |
|----------------------|-------------------------------------------------------------------|
| API key, OAuth token | x-api-key; Authorization                                          |
| gateway, Bedrock     | Authorization                                                     |
| Vertex               | Authorization, with a Google access token for the service account |
"""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any

import pytest
import requests

from functions.broker.server import Mounts
from tests.agent import brokers, model_server
from tests.agent.brokers import API_KEY, Running
from tests.agent.model_server import Model, says
from tests.support.github.app import new_key
from tests.support.http_servers import Handler, listening

MESSAGE = {"model": "claude-test", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
PRICES = {"claude": {"input": 3, "output": 15}}


@pytest.fixture
def model() -> Iterator[Model]:
    with model_server.serving(Model([says("hello")])) as found:
        yield found


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


def broker_of(stack: ExitStack, root: Any, secret: str = API_KEY, **model: Any) -> Running:
    given = {"namespace": "agents", "git": brokers.git_of(), "model": brokers.model_of(**model)}
    mounts: Mounts = brokers.lay_out(root / "broker-pod", given, {"model/credential": secret} if secret else {})
    return stack.enter_context(brokers.serving(mounts))


@pytest.mark.parametrize(
    ("credential", "sent", "arrives"),
    [
        ("api_key", "x-api-key", {"x-api-key": API_KEY}),
        ("bearer_token", "Authorization", {"Authorization": f"Bearer {API_KEY}"}),
        ("bedrock", "", {"Authorization": f"Bearer {API_KEY}"}),
    ],
)
def test_broker_adds_the_credential_and_streams_the_answer(
    stack: ExitStack, tmp_path: Any, model: Model, credential: str, sent: str, arrives: Mapping[str, str]
) -> None:
    running = broker_of(stack, tmp_path, url=model.url, credential=credential, prices=PRICES)
    value = running.ready.credential
    headers = {sent: f"Bearer {value}" if sent == "Authorization" else value} if sent else {}
    way = "" if sent else f"with/{value}/"
    url = f"{running.url}/{way}model/v1/messages?beta=true"
    answer = requests.post(url, json=MESSAGE, headers={**headers, "anthropic-beta": "x"}, timeout=10)
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert '"text": "hello"' in answer.text
    got = {name.lower(): text for name, text in model.requests[0]["headers"].items()}
    assert {name: got[name.lower()] for name in arrives} == arrives
    assert got["anthropic-beta"] == "x"
    assert value not in json.dumps(model.requests)
    usage = requests.get(f"{running.url}/usage", headers=running.bearer, timeout=10).json()
    counted = {name: usage[name] for name in ("requests", "input_tokens", "output_tokens", "unpriced_requests")}
    assert counted == {"requests": 1, "input_tokens": 100, "output_tokens": 7, "unpriced_requests": 0}
    assert usage["cost_usd"] == pytest.approx((100 * 3 + 7 * 15) / 1e6)


@pytest.mark.parametrize(
    "path",
    ["", "v1/files", "v1/organizations/me", "v1/messages/../files", "v1/messages/%2e%2e/files", "//evil.example/"],
)
def test_other_paths_of_the_upstream_are_refused(stack: ExitStack, tmp_path: Any, model: Model, path: str) -> None:
    running = broker_of(stack, tmp_path, url=model.url)
    with requests.Session() as session:
        request = requests.Request("POST", "http://x", json=MESSAGE, headers=running.bearer).prepare()
        request.url = f"{running.url}/model/{path}"
        assert session.send(request).status_code in (403, 404)
    assert model.requests == []


def test_request_cannot_select_another_upstream(stack: ExitStack, tmp_path: Any, model: Model) -> None:
    """The Host header and the absolute URL of a forward proxy request have no effect."""
    running = broker_of(stack, tmp_path, url="http://127.0.0.1:9")
    headers = {**running.bearer, "Host": model.url.removeprefix("http://")}
    answer = requests.post(f"{running.url}/model/v1/messages", json=MESSAGE, headers=headers, timeout=10)
    assert answer.status_code == 502
    proxies = {"http": running.url}
    answer = requests.post(
        f"{model.url}/v1/messages", json=MESSAGE, headers=running.bearer, proxies=proxies, timeout=10
    )
    assert answer.status_code in (401, 404)
    assert model.requests == []


def test_late_or_rotated_api_key_is_used(stack: ExitStack, tmp_path: Any, model: Model) -> None:
    running = broker_of(stack, tmp_path, "", url=model.url)
    (running.mounts.secrets / "model").mkdir()
    (running.mounts.secrets / "model/credential").write_text("sk-new\n")
    requests.post(f"{running.url}/model/v1/messages", json=MESSAGE, headers=running.bearer, timeout=10)
    assert model.requests[0]["headers"]["x-api-key"] == "sk-new"


@dataclass
class Google:
    """A token endpoint for the key of the service account (OAuth 2.0 for Server to Server Applications)."""

    asked: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def google() -> Iterator[Google]:
    found = Google()

    class Tokens(Handler):
        def asked(self) -> None:
            found.asked.append(self.received().decode())
            text = json.dumps({"access_token": f"ya29.{len(found.asked)}", "expires_in": 3600, "token_type": "Bearer"})
            self.answer(200, {"Content-Type": "application/json"}, text.encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tokens)
    found.url = f"http://127.0.0.1:{server.server_port}/token"
    with listening(server):
        yield found


def service_account(url: str) -> str:
    from cryptography.hazmat.primitives import serialization  # beside its use: one test needs it

    pem = new_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    email = "agent@example.iam.gserviceaccount.com"
    key = {"type": "service_account", "client_email": email, "token_uri": url, "private_key": pem.decode()}
    return json.dumps(key)


def test_service_account_key_is_exchanged_for_a_token(stack: ExitStack, tmp_path: Any, model: Model) -> None:
    tokens = stack.enter_context(google())
    running = broker_of(stack, tmp_path, service_account(tokens.url), url=model.url, credential="vertex")
    assert running.ready.problems == {}
    for _ in range(2):
        url = f"{running.url}/with/{running.ready.credential}/model/v1/messages"
        assert requests.post(url, json=MESSAGE, timeout=10).status_code == 200
    assert {request["headers"]["Authorization"] for request in model.requests} == {"Bearer ya29.1"}
    assert len(tokens.asked) == 1


def test_malformed_service_account_key_is_named(stack: ExitStack, tmp_path: Any) -> None:
    problem = broker_of(stack, tmp_path, "{}", url="http://127.0.0.1:9", credential="vertex").ready.problems["model"]
    assert problem.reason == "MissingSecret"
    assert "is not the JSON key of a service account" in problem.message


def test_usage_in_a_bedrock_event_is_counted() -> None:
    from functions.broker.usage import Meter, Usage

    total = Usage()
    meter = Meter(total)
    events = [
        {"type": "message_start", "message": {"model": "claude", "usage": {"input_tokens": 5, "output_tokens": 1}}},
        {"type": "message_delta", "usage": {"output_tokens": 8}},
    ]
    frames = [b'\0\n\x01{"bytes":"' + base64.b64encode(json.dumps(event).encode()) + b'"}\n\x02' for event in events]
    whole = b"".join(frames)
    for start in range(0, len(whole), 7):
        meter.feed(whole[start : start + 7])
    meter.end()
    assert (total.requests, total.input_tokens, total.output_tokens) == (1, 5, 8)
