"""The generated reference pages of docs/ are current, and the functions follow the OpenAPI document.

generated pages          equal to the output of `make docs`
troubleshooting          a text for every reason
OpenAPI                  valid requests are accepted, invalid ones refused, every answer is described
"""

from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode

from functions.clients.reference import http
from functions.clients.reference.__main__ import DOCS, pages
from functions.clients.reference.reason_words import WORDS
from functions.clients.reference.troubleshooting import ENDED, OTHER, PROGRESS
from functions.runs.model.kinds import RunKind
from functions.runs.model.reasons import Reason, row
from tests.clients.conftest import Functions


@pytest.mark.parametrize("name", pages())
def test_a_generated_page_is_current(name: str) -> None:
    assert (DOCS / name).read_text() == pages()[name], "run: make docs"


def test_every_reason_has_a_troubleshooting_text() -> None:
    assert WORDS.keys() == set(Reason)


def test_every_failure_has_a_remedy() -> None:
    assert {reason for reason in Reason if not row(reason).remedy} == PROGRESS | ENDED | OTHER


BY_SETTINGS = {"agentCli", "envFromSecrets", "localTools", "remoteTools", "resources"}
"""Fields whose valid values depend on the settings of an installation."""


def api() -> Any:
    """Return the document for schemathesis, without fields that depend on the settings of an installation."""
    document = http.document()
    for kind in RunKind:
        fields = document["components"]["schemas"][f"{kind}Spec"]["properties"]
        for name in BY_SETTINGS & fields.keys():
            del fields[name]
    return schemathesis.openapi.from_dict(document)


API = api()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("kind", RunKind)
def test_a_generated_request_is_answered_as_documented(
    functions: Functions, kind: RunKind, mode: GenerationMode
) -> None:
    """Valid requests are accepted, invalid ones refused; status, media type and body match the document."""
    sent = 0

    @settings(
        max_examples=10,
        derandomize=True,  # the same few in each run
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=API[f"/{kind.function}"]["POST"].as_strategy(mode))
    def check(case: Case[Any]) -> None:
        nonlocal sent
        sent += 1
        if (
            mode is GenerationMode.POSITIVE and "Idempotency-Key" in case.headers
        ):  # one key must not be used for two bodies
            case.headers["Idempotency-Key"] = f"{kind}-{mode}-{sent}-{case.headers['Idempotency-Key']}"[:255]
        case.call_and_validate(base_url=functions.urls[kind.function])

    check()


@pytest.mark.parametrize(
    ("body", "media", "code"),
    [(body, "application/json", 400) for body in (b"", b"{", b"[]", b"null", b"\xff", b'{"a": 1, "a": 2}')]
    + [(b"{}", "text/plain", 415), (b"{}", "", 415)],
)
def test_a_body_that_is_not_a_json_object_is_answered_as_documented(
    functions: Functions, body: bytes, media: str, code: int
) -> None:
    headers = {"Content-Type": media} if media else {}
    answer = requests.post(functions.urls[RunKind.CODE.function], data=body, headers=headers, timeout=30)
    assert answer.status_code == code
    API[f"/{RunKind.CODE.function}"]["POST"].validate_response(answer)


def test_health_is_answered_as_documented(functions: Functions) -> None:
    for kind in RunKind:
        answer = requests.get(f"{functions.urls[kind.function]}/health", timeout=30)
        assert answer.status_code == 200
        API["/health"]["GET"].validate_response(answer)
