"""The reference pages of docs/: they are what the code makes, and the HTTP page is what functions do.

page                     what is asserted
every generated one      equal to what `make docs` writes
troubleshooting          words for every reason
OpenAPI                  its schemas take what the functions take; real answers match it
"""

import json
from typing import Any

import jsonschema
import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.clients.reference import http
from functions.clients.reference.__main__ import DOCS, pages
from functions.clients.reference.reason_words import WORDS
from functions.runs.model.kinds import RunKind
from functions.runs.model.reasons import Reason
from tests.clients.conftest import Functions
from tests.support.builders import CODE_SPEC, DOCS_SPEC

SPECS = {RunKind.CODE: CODE_SPEC, RunKind.DOCS: DOCS_SPEC}
DOCUMENT = http.document()


@pytest.mark.parametrize("name", pages())
def test_a_generated_page_is_what_the_code_makes(name: str) -> None:
    assert (DOCS / name).read_text() == pages()[name], "run: make docs"


def test_every_reason_has_words() -> None:
    assert WORDS.keys() == set(Reason)


def schema(name: str) -> dict[str, Any]:
    """A schema of the document, as JSON Schema: in OpenAPI 3.0 exclusiveMinimum is a flag."""

    def plain(node: Any) -> Any:
        if isinstance(node, list):
            return [plain(each) for each in node]
        if not isinstance(node, dict):
            return node
        found = {key: plain(each) for key, each in node.items()}
        if found.get("exclusiveMinimum") is True:
            found["exclusiveMinimum"] = found.pop("minimum")
        return found

    found: dict[str, Any] = plain(DOCUMENT["components"]["schemas"][name])
    return found


@pytest.mark.parametrize("kind", RunKind)
def test_the_described_specs_are_those_that_are_taken(kind: RunKind) -> None:
    jsonschema.validate(SPECS[kind], schema(f"{kind}Spec"))
    for wrong in ({"model": ""}, {"unknown": 1}, {"priority": "high"}, {"repositoryUrl": "ftp://x/y"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**SPECS[kind], **wrong}, schema(f"{kind}Spec"))


def answered(functions: Functions, kind: RunKind, body: bytes, headers: dict[str, str]) -> int:
    """The code of a real answer, which must be described, and match its description."""
    url = functions.urls[kind.function]
    answer = urllib3.request("POST", url, body=body, headers=headers, retries=False, timeout=30)
    described = DOCUMENT["paths"][f"/{kind.function}"]["post"]["responses"]
    assert str(answer.status) in described, (answer.status, answer.data)
    reference = described[str(answer.status)]["content"]["application/json"]["schema"]["$ref"]
    jsonschema.validate(json.loads(answer.data), schema(reference.rpartition("/")[2]))
    return int(answer.status)


JSON = {"Content-Type": "application/json"}
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20), st.lists(st.integers(), max_size=2))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(list(RunKind)),
    changes=st.dictionaries(
        st.one_of(st.sampled_from([*CODE_SPEC, *DOCS_SPEC, "maxTurns", "env", "cancel"]), st.text(max_size=8)),
        VALUES, max_size=4,
    ),
    media=st.sampled_from(["application/json", "application/json; charset=utf-8", "text/plain", ""]),
)  # fmt: skip
def test_whatever_is_sent_is_answered_as_described(
    functions: Functions, kind: RunKind, changes: dict[str, Any], media: str
) -> None:
    body = json.dumps({**SPECS[kind], **changes}).encode()
    headers = {"Content-Type": media, "Idempotency-Key": "reference"} if media else {}
    code = answered(functions, kind, body, headers)
    assert code < 500
    try:
        jsonschema.validate({**SPECS[kind], **changes}, schema(f"{kind}Spec"))
    except jsonschema.ValidationError:
        assert code not in (200, 201), "what the document refuses is not taken"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"a": 1, "a": 2}', b"1" * 100])
def test_a_body_that_is_no_object_is_answered_as_described(functions: Functions, body: bytes) -> None:
    assert answered(functions, RunKind.CODE, body, JSON) == 400


def test_health_is_answered_as_described(functions: Functions) -> None:
    for kind in RunKind:
        answer = urllib3.request("GET", f"{functions.urls[kind.function]}/health", retries=False, timeout=30)
        assert answer.status == 200
        jsonschema.validate(json.loads(answer.data), schema("Health"))
