"""POST: what a new object gets, and every refusal in the real server's words."""

import re
from typing import Any

import pytest

from tests.contract.apiserver.client import Obj
from tests.contract.apiserver.samples import Place, config_map, refused, sample

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
QUALIFIED = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


def test_the_server_sets_identity_defaults_and_generation(place: Place) -> None:
    meta = {"uid": "mine", "creationTimestamp": "2001-01-01T00:00:00Z", "generation": 7, "labels": {"a": "b"}}
    created = place.create(sample(meta=meta, nested={}, unknown=1, anything={"x": 1}))
    assert created["spec"] == {
        "task": 1,
        "url": "https://x/y",
        "app": "a",
        "anything": {"x": 1},
        "model": "claude-x",
        "cli": "claude",
        "mode": "default",
        "cancel": False,
        "nested": {"inner": {"count": 3}},
    }
    got = created["metadata"]
    assert re.fullmatch(UUID, got["uid"])
    assert re.fullmatch(STAMP, got["creationTimestamp"])
    assert got["creationTimestamp"] > "2025"
    assert (got["generation"], got["namespace"], got["labels"]) == (1, place.namespace, {"a": "b"})
    assert int(got["resourceVersion"]) > 0
    assert place.get("a") == created


def test_a_status_sent_with_a_new_object_is_dropped(place: Place) -> None:
    created = place.create({**sample(), "status": {"phase": "Running"}})
    assert "status" not in created


def test_a_name_is_generated(place: Place) -> None:
    names = {place.create(sample(meta={"name": None, "generateName": "run-"}))["metadata"]["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(re.fullmatch(r"run-[a-z0-9]{5}", name) for name in names)


def test_a_second_object_of_the_name_is_refused(place: Place) -> None:
    place.create(sample())
    answer = place.server.post(place.path(), sample(task=2))
    refused(answer, 409, "AlreadyExists", 'samples.contract.agents.platform "a" already exists')
    assert answer.body["details"] == {"name": "a", "group": "contract.agents.platform", "kind": "samples"}
    assert place.get("a")["spec"]["task"] == 1


def test_whole_numbers_may_be_written_as_floats_and_nulls_count_as_absent(place: Place) -> None:
    body = sample(task=2.0)
    body["spec"] |= {"model": None, "cost": None}
    assert place.create(body)["spec"] == {
        "task": 2,
        "url": "https://x/y",
        "app": "a",
        "cost": None,
        "model": "claude-x",
        "cli": "claude",
        "mode": "default",
        "cancel": False,
    }


def test_yaml_is_taken(place: Place) -> None:
    text = (
        b"apiVersion: contract.agents.platform/v1\nkind: Sample\nmetadata: {name: from-yaml}\n"
        b"spec: {task: 3, url: 'https://x/y', app: a}\n"
    )
    assert place.server.call("POST", place.path(), text, "application/yaml").body["spec"]["task"] == 3


def invalid(value: str, detail: str) -> str:
    return f"Invalid value: {value}: {detail}"


REFUSED_SPECS: list[tuple[Obj, set[tuple[str, str]]]] = [
    ({"task": "x"}, {("spec.task", invalid('"string"', 'spec.task in body must be of type integer: "string"'))}),
    ({"task": 1.5}, {("spec.task", invalid('"number"', 'spec.task in body must be of type integer: "number"'))}),
    ({"task": True}, {("spec.task", invalid('"boolean"', 'spec.task in body must be of type integer: "boolean"'))}),
    ({"task": 10**25}, {("spec.task", invalid('"number"', 'spec.task in body must be of type integer: "number"'))}),
    ({"task": 0}, {("spec.task", invalid("0", "spec.task in body should be greater than or equal to 1"))}),
    ({"task": None}, {("spec.task", "Required value")}),
    ({"cost": 0}, {("spec.cost", invalid("0", "spec.cost in body should be greater than 0"))}),
    ({"cost": 11}, {("spec.cost", invalid("11", "spec.cost in body should be less than or equal to 10"))}),
    ({"mode": "z"}, {("spec.mode", 'Unsupported value: "z": supported values: "minimal", "default"')}),
    (
        {"url": "http://x"},
        {("spec.url", invalid('"http://x"', "spec.url in body should match '^(https://|git@)[a-z/.]*$'"))},
    ),
    (
        {"url": "https://x\n"},
        {("spec.url", invalid('"https://x\\n"', "spec.url in body should match '^(https://|git@)[a-z/.]*$'"))},
    ),
    ({"url": "git@"}, {("spec.url", invalid('"git@"', "spec.url in body should be at least 5 chars long"))}),
    (
        {"url": "git@" + "a" * 57},
        {("spec.url", invalid(f'"git@{"a" * 57}"', "spec.url in body should be at most 60 chars long"))},
    ),
    ({"env": []}, {("spec.env", invalid("0", "spec.env in body should have at least 1 items"))}),
    ({"env": [{"name": "A"}] * 4}, {("spec.env", invalid("4", "spec.env in body should have at most 3 items"))}),
    (
        {"env": [{"name": "a"}, {"value": "x"}]},
        {
            ("spec.env.name", invalid('"a"', "spec.env.name in body should match '^[A-Z]+$'")),
            ("spec.env.name", "Required value"),
        },
    ),
    (
        {"labels": dict.fromkeys("abc", "")},
        {("spec.labels", invalid("2", "spec.labels in body should have at most 2 properties"))},
    ),
    (
        {"port": 1.5},
        {("spec.port", invalid('"number"', 'spec.port in body must be of type integer,string: "number"'))},
    ),
    (
        {"when": "yesterday"},
        {("spec.when", invalid('"yesterday"', 'spec.when in body must be of type date-time: "yesterday"'))},
    ),
    ({"tags": ["a", "a"]}, {("spec.tags", 'Duplicate value: "a"')}),
    (
        {"app": None},
        {
            ("<nil>", invalid('""', '"spec" must validate one and only one schema (oneOf). Found none valid')),
            ("spec.user", "Required value"),
        },
    ),
    (
        {"user": "u"},
        {
            (
                "<nil>",
                invalid('""', '"spec" must validate one and only one schema (oneOf). Found 2 valid alternatives'),
            )
        },
    ),
    (
        {"model": "gpt"},
        {
            ("<nil>", invalid('""', '"spec" must validate at least one schema (anyOf)')),
            ("spec.model", invalid('"gpt"', "spec.model in body should match '^claude-'")),
        },
    ),
    (
        {"directory": "a/../b"},
        {
            ("<nil>", invalid('""', '"spec.directory" must not validate the schema (not)')),
            ("<nil>", invalid('""', '"spec.directory" must validate all the schemas (allOf)')),
        },
    ),
    (
        {"directory": "/.."},
        {
            ("<nil>", invalid('""', '"spec.directory" must not validate the schema (not)')),
            ("<nil>", invalid('""', '"spec.directory" must validate all the schemas (allOf). None validated')),
        },
    ),
]


@pytest.mark.parametrize(("spec", "causes"), REFUSED_SPECS, ids=[str(spec)[:40] for spec, _ in REFUSED_SPECS])
def test_a_spec_that_the_schema_refuses(place: Place, spec: Obj, causes: set[tuple[str, str]]) -> None:
    answer = place.server.post(place.path(), sample(**spec))
    assert (answer.code, answer.reason) == (422, "Invalid")
    assert answer.causes() == causes
    assert answer.message.startswith('Sample.contract.agents.platform "a" is invalid: ')
    assert answer.body["details"]["kind"] == "Sample"
    assert place.gone("a")


def test_one_problem_is_worded_on_one_line(place: Place) -> None:
    answer = place.server.post(place.path(), sample(task="x"))
    refused(
        answer,
        422,
        "Invalid",
        'Sample.contract.agents.platform "a" is invalid: spec.task: Invalid value: "string": '
        'spec.task in body must be of type integer: "string"',
    )


@pytest.mark.parametrize("body", [{"spec": None}, {"spec": "text"}, {}])
def test_a_spec_is_needed(place: Place, body: Obj) -> None:
    whole = {"apiVersion": "contract.agents.platform/v1", "kind": "Sample", "metadata": {"name": "a"}, **body}
    answer = place.server.post(place.path(), whole)
    assert (answer.code, answer.reason) == (422, "Invalid")
    assert {field for field, _ in answer.causes()} >= {"spec"}


REFUSED_META: list[tuple[Obj, set[tuple[str, str]]]] = [
    ({"name": "Bad_Name"}, {("metadata.name", invalid('"Bad_Name"', SUBDOMAIN))}),
    (
        {"name": "x" * 46},
        {("metadata.name", invalid(f'"{"x" * 46}"', "metadata.name in body should be at most 45 chars long"))},
    ),
    ({"name": None}, {("metadata.name", "Required value: name or generateName is required")}),
    ({"labels": {"-a": "b"}}, {("metadata.labels", invalid('"-a"', QUALIFIED))}),
    (
        {"labels": {"a": "b" * 64}},
        {("metadata.labels", invalid(f'"{"b" * 64}"', "must be no more than 63 characters"))},
    ),
    ({"annotations": {"-a": "b"}}, {("metadata.annotations", invalid('"-a"', QUALIFIED))}),
    ({"finalizers": ["a_!"]}, {("metadata.finalizers", invalid('"a_!"', QUALIFIED))}),
    (
        {"ownerReferences": [{"kind": "X"}]},
        {
            ("metadata.ownerReferences.apiVersion", invalid('""', "version must not be empty")),
            ("metadata.ownerReferences.name", invalid('""', "name must not be empty")),
            ("metadata.ownerReferences.uid", invalid('""', "uid must not be empty")),
        },
    ),
]


@pytest.mark.parametrize(("meta", "causes"), REFUSED_META, ids=[str(meta)[:40] for meta, _ in REFUSED_META])
def test_metadata_that_is_refused(place: Place, meta: Obj, causes: set[tuple[str, str]]) -> None:
    answer = place.server.post(place.path(), sample(meta=meta))
    assert (answer.code, answer.reason, answer.causes()) == (422, "Invalid", causes)


@pytest.mark.parametrize(
    ("meta", "code", "message"),
    [
        (
            {"namespace": "other"},
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        ({"resourceVersion": "5"}, 500, "resourceVersion should not be set on objects to be created"),
    ],
)
def test_metadata_that_contradicts_the_request(place: Place, meta: Obj, code: int, message: str) -> None:
    answer = place.server.post(place.path(), sample(meta=meta))
    assert (answer.code, answer.message) == (code, message)


def test_the_namespace_has_to_exist(place: Place) -> None:
    answer = place.server.post(place.path().replace(place.namespace, "nowhere"), sample())
    refused(answer, 404, "NotFound", 'namespaces "nowhere" not found')


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


def test_a_dry_run_creates_nothing(place: Place) -> None:
    answer = place.server.post(f"{place.path()}?dryRun=All", sample())
    assert (answer.code, answer.body["spec"]["mode"]) == (201, "default")
    assert "resourceVersion" not in answer.body["metadata"]
    assert place.gone("a")


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
