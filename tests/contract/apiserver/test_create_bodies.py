"""POST: bodies that are not a valid object, too large, or malicious."""

import json
from typing import Any

import pytest

from tests.contract.apiserver.samples import Namespace, config_map, refused, sample


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"a":', 400),
        (b"", 400),
        (b"[1]", 400),
        (b'"text"', 400),
        ({**sample(), "kind": "Other"}, 422),
        ({**sample(), "apiVersion": "contract.agents.platform/v2"}, 400),
        ({"metadata": {"name": "a"}}, 400),
        (sample(meta={"labels": {"a": 1}}), 400),
        ({**sample(), "metadata": "text"}, 400),
    ],
)
def test_body_that_is_not_a_valid_object_is_rejected(namespace: Namespace, body: Any, code: int) -> None:
    answer = namespace.server.post(namespace.path(), body)
    assert answer.code == code
    assert answer.body["kind"] == "Status"
    assert namespace.gone("a")


def test_body_of_another_kind_is_rejected_naming_the_kind(namespace: Namespace) -> None:
    answer = namespace.server.post(namespace.path(), {**sample(), "kind": "Other"})
    refused(
        answer,
        422,
        "Invalid",
        'Other.contract.agents.platform "a" is invalid: kind: Invalid value: "Other": must be Sample',
    )


def test_body_of_another_media_type_is_rejected(namespace: Namespace) -> None:
    answer = namespace.server.call("POST", namespace.path(), b"a=b", "application/x-www-form-urlencoded")
    assert (answer.code, answer.reason) == (415, "UnsupportedMediaType")
    assert answer.message.startswith(
        "the body of the request was in an unknown format - accepted media types include: application/json, "
    )


def test_a_body_without_a_media_type_is_json(namespace: Namespace) -> None:
    assert namespace.server.call("POST", namespace.path(), sample(), "").code == 201
    labelled = {**namespace.get("a"), "metadata": {**namespace.get("a")["metadata"], "labels": {"x": "y"}}}
    assert namespace.server.call("PUT", namespace.path(name="a"), labelled, "").code == 200
    assert namespace.get("a")["metadata"]["labels"] == {"x": "y"}
    assert (
        namespace.server.call("DELETE", namespace.path(name="a"), {"propagationPolicy": "Background"}, "").code == 200
    )
    assert namespace.server.call("POST", namespace.path(), b"no JSON", "").code == 400


def test_body_over_3_mib_is_rejected(namespace: Namespace) -> None:
    answer = namespace.server.post(namespace.path("configmaps"), config_map(data={"a": "x" * (3 * 1024 * 1024)}))
    refused(answer, 413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728")


def test_unknown_fields_are_rejected_with_strict_validation(embedded_namespace: Namespace) -> None:
    body = sample(extra=1, env=[{"name": "A", "other": 2}])
    answer = embedded_namespace.server.post(f"{embedded_namespace.path()}?fieldValidation=Strict", body)
    refused(
        answer,
        400,
        "BadRequest",
        'Sample in version "v1" cannot be handled as a Sample: strict decoding error: '
        'unknown field "spec.env[0].other", unknown field "spec.extra"',
    )
    assert embedded_namespace.gone("a")


def test_unknown_fields_are_dropped_with_a_warning_by_default(embedded_namespace: Namespace) -> None:
    answer = embedded_namespace.server.post(embedded_namespace.path(), sample(extra=1))
    assert answer.headers.get_all("Warning") == ['299 - "unknown field \\"spec.extra\\""']
    assert "extra" not in answer.body["spec"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"apiVersion":"contract.agents.platform/v1","kind":"Sample","metadata":{"name":"a"},"spec":'
        + b'{"nested":' * 2000
        + b"{}"
        + b"}" * 2001,
        b'{"apiVersion":"contract.agents.platform/v1","kind":"Sample","metadata":{"name":"a"},"spec":{"anything":'
        + b'{"x":' * 600
        + b"1"
        + b"}" * 602,
        b'{"spec":"\xff\xfe"}',
        b"NaN",
        b'{"spec":{"task":1e999}}',
    ],
)
def test_malicious_body_is_rejected(embedded_namespace: Namespace, body: bytes) -> None:
    answer = embedded_namespace.server.post(embedded_namespace.path(), body)
    assert (answer.code, answer.reason) == (400, "BadRequest")
    assert embedded_namespace.server.get(embedded_namespace.path()).body["items"] == []


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (r"\ud800", "\ufffd"),
        (r"a\uDFFFb", "a\ufffdb"),
        (r"\ud800\uDBFF", "\ufffd\ufffd"),
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\\ud800", r"\ud800"),
    ],
)
def test_lone_surrogate_is_replaced_in_every_kind_of_body(namespace: Namespace, sent: str, kept: str) -> None:
    text = json.dumps(config_map(data={"a": "HALF"}, meta={"annotations": {"b": "HALF"}})).replace("HALF", sent)
    created = namespace.server.post(namespace.path("configmaps"), text.encode())
    assert (created.code, created.body["data"], created.body["metadata"]["annotations"]["b"]) == (
        201,
        {"a": kept},
        kept,
    )
    for media, patch in (
        ("application/merge-patch+json", '{"data": {"b": "HALF"}}'),
        ("application/json-patch+json", '[{"op": "add", "path": "/data/c", "value": "HALF"}]'),
    ):
        changed = namespace.server.call(
            "PATCH", namespace.path("configmaps", "a"), patch.replace("HALF", sent).encode(), media
        )
        assert changed.code == 200
    assert namespace.server.get(namespace.path("configmaps", "a")).body["data"] == dict.fromkeys("abc", kept)
