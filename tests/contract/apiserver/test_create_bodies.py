"""POST: bodies that are no such object, too large, or meant to break things.

| sent                                              | answer                                              |
|---------------------------------------------------|-----------------------------------------------------|
| no JSON, another kind or version, no spec         | 400, 422                                            |
| another media type; over 3 MiB                    | 415; 413                                            |
| unknown fields                                    | named when asked to be strict, else warned of       |
| endless nesting, half characters, NaN             | 400, or kept; nothing breaks                        |
"""

from typing import Any

import pytest

from tests.contract.apiserver.samples import Place, config_map, refused, sample


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
def test_a_body_that_is_no_such_object(place: Place, body: Any, code: int) -> None:
    answer = place.server.post(place.path(), body)
    assert answer.code == code
    assert answer.body["kind"] == "Status"
    assert place.gone("a")


def test_the_kind_is_named_when_another_is_sent(place: Place) -> None:
    answer = place.server.post(place.path(), {**sample(), "kind": "Other"})
    refused(
        answer,
        422,
        "Invalid",
        'Other.contract.agents.platform "a" is invalid: kind: Invalid value: "Other": must be Sample',
    )


def test_a_body_of_another_media_type(place: Place) -> None:
    answer = place.server.call("POST", place.path(), b"a=b", "application/x-www-form-urlencoded")
    assert (answer.code, answer.reason) == (415, "UnsupportedMediaType")
    assert answer.message.startswith(
        "the body of the request was in an unknown format - accepted media types include: application/json, "
        "application/yaml"
    )


def test_a_body_over_3_mib(place: Place) -> None:
    answer = place.server.post(place.path("configmaps"), config_map(data={"a": "x" * (3 * 1024 * 1024)}))
    refused(answer, 413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728")


def test_unknown_fields_are_named_when_asked_to_be_strict(embedded_place: Place) -> None:
    body = sample(extra=1, env=[{"name": "A", "other": 2}])
    answer = embedded_place.server.post(f"{embedded_place.path()}?fieldValidation=Strict", body)
    refused(
        answer,
        400,
        "BadRequest",
        'Sample in version "v1" cannot be handled as a Sample: strict decoding error: '
        'unknown field "spec.env[0].other", unknown field "spec.extra"',
    )
    assert embedded_place.gone("a")


def test_unknown_fields_are_warned_of_and_dropped_otherwise(embedded_place: Place) -> None:
    answer = embedded_place.server.post(embedded_place.path(), sample(extra=1))
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
def test_bodies_that_are_meant_to_break_things(embedded_place: Place, body: bytes) -> None:
    answer = embedded_place.server.post(embedded_place.path(), body)
    assert (answer.code, answer.reason) == (400, "BadRequest")
    assert embedded_place.server.get(embedded_place.path()).body["items"] == []


def test_half_a_surrogate_pair_is_kept_or_replaced_but_breaks_nothing(embedded_place: Place) -> None:
    body = config_map(data={"a": "\ud800"}, meta={"annotations": {"b": "\udfff"}})
    assert embedded_place.server.post(embedded_place.path("configmaps"), body).code == 201
    assert embedded_place.server.get(embedded_place.path("configmaps")).code == 200
