"""The setting access.callers limits the users, agents and namespaces that a caller may request."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from functions.events.event import requested
from functions.events.pubsub_binding import SUBSCRIPTION
from functions.runs.model import naming
from functions.serving.http import Answer
from functions.settings.access import AccessSettings
from functions.settings.auth import AuthSettings
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC, DOCS_SPEC
from tests.support.run_steps import JSON, post

TOKENS = AuthSettings(mode="bearer", tokens={"ci": "token-of-ci", "cd": "token-of-cd", "CI": "token-of-CI"})
EVENT = {"ce-id": "1", "ce-source": "/ci", "ce-specversion": "1.0", "ce-type": requested("code")}
TESS = {**CODE_SPEC, "githubApp": "5DLabs-Tess"}


def allow(world: Harness, callers: Mapping[str, Any], auth: AuthSettings = TOKENS) -> None:
    world.configure(auth=auth, access=AccessSettings.model_validate({"callers": callers}))


def by(name: str, key: str = "") -> dict[str, str]:
    return JSON | {"authorization": f"Bearer token-of-{name}"} | ({"idempotency-key": key} if key else {})


def code(world: Harness, headers: dict[str, str], spec: Mapping[str, Any] = CODE_SPEC) -> Answer:
    return post(world, dict(spec), headers, "CodeRun")


def docs(world: Harness, headers: dict[str, str], spec: Mapping[str, Any] = DOCS_SPEC) -> Answer:
    return post(world, dict(spec), headers)


def errors(found: Answer) -> list[tuple[str, str]]:
    assert found.body
    return [(each["field"], each["message"]) for each in found.body["errors"]]


def test_permitted_caller_is_served_and_another_gets_403_with_allowed_values(world: Harness) -> None:
    allow(world, {"ci": {"agents": ["rex"], "users": ["Octocat"]}, "cd": {"agents": ["*"]}})
    refused = code(world, by("ci"), TESS)
    assert refused.code == 403
    assert errors(refused) == [
        ("githubApp", "ci may not use the agent tess; allowed users: Octocat; allowed agents: rex"),
    ]
    assert docs(world, by("cd")).code == 403
    assert (world.runs(), world.calls.calls) == ([], [])
    served = [code(world, by("ci")), docs(world, by("ci")), code(world, by("cd"), TESS)]
    assert [found.code for found in served] == [201, 201, 201]


def test_caller_that_is_not_listed_is_refused_unless_a_wildcard_is(world: Harness) -> None:
    allow(world, {"ci": {"agents": ["rex"]}})
    for name in ("cd", "CI"):
        found = code(world, by(name))
        why = f"{name} may not use the agent rex; allowed users: none; allowed agents: none"
        assert (found.code, errors(found)) == (403, [("githubApp", why)])
    assert world.runs() == []
    allow(world, {"*": {"agents": ["rex"]}})
    assert code(world, by("cd")).code == 201


def test_namespace_that_the_caller_may_not_use_is_refused(world: Harness) -> None:
    elsewhere, here = ({"agents": ["*"], "namespaces": [each]} for each in ("elsewhere", world.namespace))
    allow(world, {"ci": elsewhere, "cd": here})
    found = code(world, by("ci"))
    why = f"ci may not use the namespace {world.namespace}; allowed namespaces: elsewhere"
    assert (found.code, errors(found)) == (403, [("namespace", why)])
    assert world.runs() == []
    assert code(world, by("cd")).code == 201


@pytest.mark.parametrize("app", ["5dlabs-REX", "Rex", "Other-Rex", "Tess-Rex"])
def test_app_of_any_organization_counts_as_the_agent_in_its_name(world: Harness, app: str) -> None:
    allow(world, {"ci": {"agents": ["rex"]}, "cd": {"agents": ["tess"]}})
    asked = {**CODE_SPEC, "githubApp": app}
    assert [code(world, by(name), asked).code for name in ("cd", "ci")] == [403, 201]


def test_access_is_checked_for_snake_case_fields_too(world: Harness) -> None:
    allow(world, {"ci": {"agents": ["*"]}})
    asked = {"repository_url": "https://git.example/a.git", "source_branch": "main", "model": "claude-x"}
    assert docs(world, by("ci"), {**asked, "github_user": "octocat"}).code == 403
    assert docs(world, by("ci"), {**asked, "github_app": "Rex"}).code == 201


def test_invalid_spec_is_reported_before_access(world: Harness) -> None:
    allow(world, {"ci": {}})
    assert code(world, by("ci"), {**CODE_SPEC, "githubUser": "octocat"}).code == 400


def test_idempotency_keys_of_two_callers_are_separate(world: Harness) -> None:
    world.configure(auth=TOKENS)
    before = code(world, by("ci", "k"))
    allow(world, {"*": {"agents": ["*"]}})
    again, other = code(world, by("ci", "k")), code(world, by("cd", "k"))
    assert [before.code, again.code, other.code] == [201, 200, 201]
    assert before.body
    assert again.body
    assert before.body["data"] == again.body["data"]
    named = naming.run_name(f"ci\n{world.namespace}\nCodeRun\nkey\nk")
    assert before.body["data"]["name"] == named, "the setting does not change names: a repeated request finds its run"


# Who the caller is --------------------------------------------------------------------------------------------------

IAM = AuthSettings(mode="iam")
REX = {"agents": ["rex"]}


def token(**claims: Any) -> str:
    """Return a token as Cloud Run forwards it: verified, and with its signature removed."""
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in ({}, claims)]
    return f"Bearer {'.'.join(parts)}.SIGNATURE_REMOVED_BY_GOOGLE"


def asked_as(world: Harness, authorization: str = "", **headers: str) -> int:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    given |= {"authorization": authorization} if authorization else {}
    return code(world, JSON | {"idempotency-key": "k"} | given).code


def test_caller_is_the_email_or_subject_of_the_token_ignoring_case(world: Harness) -> None:
    allow(world, {"Ada@example.com": REX, "117": REX, "*@team.example": REX}, IAM)
    for claims in ({"email": "eve@example.com"}, {"sub": "118"}, {"email": "eve@example.com", "sub": "117"}):
        assert asked_as(world, token(**claims)) == 403
    for claims in ({"email": "\ud800"}, {"sub": "\udfff"}):
        assert asked_as(world, token(**claims)) == 403
    assert world.runs() == []
    for claims in ({"email": "aDa@example.com"}, {"sub": "117"}, {"email": "eve@team.example"}):
        assert asked_as(world, token(**claims)) == 201


def test_an_unverified_token_grants_nothing(world: Harness) -> None:
    """Cloud Run verifies only X-Serverless-Authorization if it is set; the Authorization header may be forged."""
    allow(world, {"ada@example.com": REX}, IAM)
    forged, own = token(email="ada@example.com"), token(email="eve@example.com")
    assert asked_as(world, forged, x_serverless_authorization=own) == 403
    assert asked_as(world, forged, x_serverless_authorization="Basic x") == 401
    assert asked_as(world, f"{own}, {forged}") == 403
    assert world.runs() == []
    assert asked_as(world, own, x_serverless_authorization=forged) == 201


def test_bearer_mode_ignores_the_serverless_authorization_header(world: Harness) -> None:
    allow(world, {"ci": REX})
    assert asked_as(world, x_serverless_authorization="Bearer token-of-ci") == 401
    assert asked_as(world, "Bearer token-of-ci", x_serverless_authorization="x") == 201


def test_caller_is_anonymous_without_authentication(world: Harness) -> None:
    allow(world, {"anonymous": REX}, AuthSettings())
    assert [code(world, JSON, each).code for each in (TESS, CODE_SPEC)] == [403, 201]


def test_caller_of_an_event_is_the_pushing_identity_and_403_keeps_the_event(world: Harness) -> None:
    pusher = "pusher@p.iam.gserviceaccount.com"
    headers = EVENT | {"authorization": token(email=pusher), SUBSCRIPTION: "s"}
    allow(world, {"ada@example.com": {"agents": ["*"]}}, IAM)
    assert code(world, headers).code == 403
    assert world.runs() == []
    allow(world, {pusher: REX}, IAM)
    assert code(world, headers).code == 201
