"""POST: rejected specs and metadata, with the real server's messages."""

import pytest

from tests.contract.apiserver.client import Obj
from tests.contract.apiserver.samples import Namespace, refused, sample

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
def test_spec_that_violates_the_schema_is_rejected(
    namespace: Namespace, spec: Obj, causes: set[tuple[str, str]]
) -> None:
    answer = namespace.server.post(namespace.path(), sample(**spec))
    assert (answer.code, answer.reason) == (422, "Invalid")
    assert answer.causes() == causes
    assert answer.message.startswith('Sample.contract.agents.platform "a" is invalid: ')
    assert answer.body["details"]["kind"] == "Sample"
    assert namespace.gone("a")


def test_single_problem_is_reported_on_one_line(namespace: Namespace) -> None:
    answer = namespace.server.post(namespace.path(), sample(task="x"))
    refused(
        answer,
        422,
        "Invalid",
        'Sample.contract.agents.platform "a" is invalid: spec.task: Invalid value: "string": '
        'spec.task in body must be of type integer: "string"',
    )


@pytest.mark.parametrize("body", [{"spec": None}, {"spec": "text"}, {}])
def test_object_without_a_spec_is_rejected(namespace: Namespace, body: Obj) -> None:
    whole = {"apiVersion": "contract.agents.platform/v1", "kind": "Sample", "metadata": {"name": "a"}, **body}
    answer = namespace.server.post(namespace.path(), whole)
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
def test_invalid_metadata_is_rejected(namespace: Namespace, meta: Obj, causes: set[tuple[str, str]]) -> None:
    answer = namespace.server.post(namespace.path(), sample(meta=meta))
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
def test_metadata_that_contradicts_the_request_is_rejected(
    namespace: Namespace, meta: Obj, code: int, message: str
) -> None:
    answer = namespace.server.post(namespace.path(), sample(meta=meta))
    assert (answer.code, answer.message) == (code, message)


def test_object_in_a_missing_namespace_is_rejected(namespace: Namespace) -> None:
    answer = namespace.server.post(namespace.path().replace(namespace.name, "nowhere"), sample())
    refused(answer, 404, "NotFound", 'namespaces "nowhere" not found')
