"""The console as a function: read-only, and only for callers that the platform authenticates.

| identity | request                                                             | expected       |
|----------|---------------------------------------------------------------------|----------------|
| none     | from this machine                                                   | served         |
| none     | another Host, an Origin                                             | 403            |
| ingress  | with, without the header                                            | served, 401    |
| iap      | an assertion of IAP for this audience                               | served         |
| iap      | none; expired, another audience, issuer or key; not signed; garbage | 401; 403       |
"""

import json
import time
from dataclasses import dataclass, replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask, request

from functions import app
from functions.console.context import Visit
from functions.console.platform_access import CachedFetch, access
from functions.console.refused import Refused
from functions.console.streams import for_function
from functions.serving.dependencies import Dependencies
from functions.settings.console import ConsoleSettings
from tests.console.population import working_day
from tests.console.world import World
from tests.support.builders import settings

AUDIENCE = "/projects/42/locations/europe-west1/services/orchestrator-console"
KEY, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
PUBLIC = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True)
class Keys:
    """The answer of the address of IAP's public keys."""

    status: int = 200
    data: bytes = json.dumps({"key-1": PUBLIC.decode()}).encode()


@dataclass
class Fetches:
    answer: Keys = Keys()
    count: int = 0

    def __call__(self, url: str, **_: Any) -> Keys:
        assert url == "https://www.gstatic.com/iap/verify/public_key"
        self.count += 1
        return self.answer


def assertion(key: Any = KEY, kid: str = "key-1", algorithm: str = "ES256", **claims: Any) -> str:
    now = int(time.time())
    given = {
        "iss": "https://cloud.google.com/iap",
        "aud": AUDIENCE,
        "sub": "accounts.google.com:1",
        "email": "jane@acme.example",
        "iat": now - 10,
        "exp": now + 600,
    }
    return jwt.encode(given | claims, key, algorithm=algorithm, headers={"kid": kid})


def refusal(headers: dict[str, str], fetch: Any = None, **section: Any) -> int:
    """Return the code that a request is refused with; 0 if it is served."""
    allowed = access(ConsoleSettings(**section), fetch or Fetches())
    assert not allowed.may_change
    try:
        allowed.check(Visit("GET", headers))
    except Refused as refused:
        return refused.code
    return 0


def iap(text: str, fetch: Any = None) -> int:
    return refusal({"x-goog-iap-jwt-assertion": text} if text else {}, fetch, identity="iap", audience=AUDIENCE)


def test_a_valid_assertion_of_iap_is_served() -> None:
    assert iap(assertion()) == 0


OLD = int(time.time()) - 7_200
BAD = {
    "expired": assertion(iat=OLD, exp=OLD + 600),
    "of another audience": assertion(aud="/projects/42/global/backendServices/7"),
    "of another issuer": assertion(iss="https://accounts.google.com"),
    "of another key": assertion(OTHER),
    "of an unknown key": assertion(kid="key-2"),
    "not signed": jwt.encode({"aud": AUDIENCE, "iss": "https://cloud.google.com/iap"}, "", algorithm="none"),
    "signed with the public key as a secret": assertion("x" * 64, algorithm="HS256"),
    "garbage": "a.b.c",
    "no token": "jane@acme.example",
}


@pytest.mark.parametrize("bad", BAD)
def test_an_invalid_assertion_of_iap_is_refused(bad: str) -> None:
    assert iap(BAD[bad]) == 403


def test_a_request_without_an_assertion_is_refused() -> None:
    assert iap("") == 401
    forged = {"x-goog-authenticated-user-email": "accounts.google.com:jane@acme.example"}
    assert refusal(forged, identity="iap", audience=AUDIENCE) == 401


def test_every_caller_is_refused_without_the_public_keys() -> None:
    assert iap(assertion(), Fetches(Keys(503, b""))) == 403


def test_public_keys_are_cached_for_an_hour_and_failures_are_not() -> None:
    fetches, now = Fetches(Keys(503, b"")), [0.0]
    cached = CachedFetch(fetches, lambda: now[0])
    url = "https://www.gstatic.com/iap/verify/public_key"
    assert (cached(url).status, cached(url).status, fetches.count) == (503, 503, 2)
    fetches.answer = Keys()
    assert (cached(url).status, cached(url).status, fetches.count) == (200, 200, 3)
    now[0] += 3_601
    fetches.answer = replace(Keys(), data=b"{}")
    assert cached(url).data == b"{}"


@pytest.mark.parametrize(
    ("headers", "code"),
    [({"x-forwarded-email": "jane@acme.example"}, 0), ({}, 401), ({"x-forwarded-email": " "}, 401)],
)
def test_the_identity_ingress_needs_its_header(headers: dict[str, str], code: int) -> None:
    assert refusal(headers, identity="ingress") == code


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"host": "127.0.0.1:8080"}, 0),
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1", "origin": "https://evil.example"}, 403),
        ({"host": "10.0.0.7"}, 403),
    ],
)
def test_a_console_without_identity_serves_its_own_machine_only(headers: dict[str, str], code: int) -> None:
    assert refusal(headers) == code


def test_iap_without_an_audience_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match=r"set console\.audience"):
        ConsoleSettings(identity="iap")


def served(world: World, monkeypatch: pytest.MonkeyPatch, path: str, **headers: str) -> tuple[int, str]:
    """Return the function's answer through functions-framework's edge."""
    sections = settings(console={"identity": "ingress"}, namespace=world.namespace)
    dependencies = Dependencies(sections, world.cluster, world.api.clock)
    monkeypatch.setattr(app.Function, "dependencies", dependencies)
    function = app.Function("console", sections)
    with Flask("edge").test_request_context(path, headers=headers) as context:
        answer = context.app.make_response(function.serve(request._get_current_object()))  # type: ignore[attr-defined]
        return answer.status_code, answer.get_data(as_text=True)


def test_the_function_shows_the_fleet_and_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    working_day(world)
    who = {"X-Forwarded-Email": "jane@acme.example"}
    code, page = served(world, monkeypatch, "/", **who)
    assert (code, "Task 7: Take items out of the stock" in page, "read-only" in page) == (200, True, True)
    code, page = served(world, monkeypatch, "/runs/code/inventory-7", **who)
    assert (code, "Two tests fail" in page, 'method="post"' in page) == (200, True, False)
    assert served(world, monkeypatch, "/")[0] == 401
    assert served(world, monkeypatch, "/health")[0] == 200


def test_a_run_named_health_has_a_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put("health")
    code, page = served(world, monkeypatch, "/runs/code/health", **{"X-Forwarded-Email": "jane@acme.example"})
    assert (code, "Task 3 of api" in page) == (200, True)


@pytest.mark.parametrize(("threads", "streams"), [("8", 4), ("1", 1), ("5", 2)])
def test_the_number_of_streams_is_half_of_the_threads(
    threads: str, streams: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THREADS", threads)
    assert for_function().most == streams
