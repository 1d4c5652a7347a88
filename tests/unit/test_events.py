"""Decoding of CloudEvents, and the problems reported for a malformed one."""

import json

import pytest

from functions.events.decoding import MAX_NAMED, unique_object
from functions.events.event import Event, MalformedError
from functions.events.http_binding import to_request
from functions.events.object_ref import ObjectRef, object_ref
from functions.events.receive import receive

ATTRIBUTES = {"id": "1", "source": "/s", "type": "t", "specversion": "1.0"}
BINARY = {f"ce-{name}": value for name, value in ATTRIBUTES.items()} | {"content-type": "application/json"}
STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}


def test_binary_and_structured_mode_are_the_same_event() -> None:
    wanted = Event("1", "/s", "t", "", {"a": 1})
    assert receive(BINARY, b'{"a": 1}').event() == wanted
    assert receive(STRUCTURED, json.dumps({**ATTRIBUTES, "data": {"a": 1}}).encode()).event() == wanted


def test_header_attributes_are_percent_encoded_and_decoded() -> None:
    event = Event("a b/100%", "/s", "t", 'Grüße "x"', None)
    sent = {name.lower(): value for name, value in to_request(event)[0].items()}
    assert all(value.isascii() and " " not in value for value in sent.values())
    assert receive(sent, b"").event() == event


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ('"a b"', "a b"),
        (r'"say \"hi\" C:\\x"', r'say "hi" C:\x'),
        ('"a%20b"', "a b"),
        ("%22a%22", '"a"'),
        ('a"b"', 'a"b"'),
        ('"', '"'),
    ],
)
def test_a_quoted_header_is_unquoted_before_percent_decoding(header: str, text: str) -> None:
    assert receive({**BINARY, "ce-id": header}, b"{}").event().id == text


@pytest.mark.parametrize(
    ("headers", "body", "field"),
    [
        ({}, b"", "type"),
        ({"content-type": "application/json"}, b"{}", "source"),
        ({**BINARY, "ce-specversion": "0.3"}, b"{}", "specversion"),
        (BINARY, b'{"a": ', "body"),
        (BINARY, b"\xff\xfe", "body"),
        (STRUCTURED, b"[]", "body"),
        (STRUCTURED, b'{"id": 1}', "id"),
        ({"content-type": "application/cloudevents-batch+json"}, b"[]", "content-type"),
        (BINARY, b"[" * 100_000, "body"),
        (STRUCTURED, rb'{"id": "\ud800"}', "id"),
        (STRUCTURED, rb'{"data": {"a": [1, {"b": "x\uDFFF"}]}}', "data.a.1.b"),
        (STRUCTURED, rb'{"data_base64": "eyJhIjogIlx1ZDgwMCJ9"}', "a"),
        (BINARY, rb'{"a\ud800": 1}', "a\ufffd"),
        (BINARY, rb'{"\ud800": 1, "\ud800": 2}', "\ufffd"),
        (BINARY, rb'"\ud800"', "body"),
        (BINARY, b'"\xed\xa0\x80"', "body"),
        (BINARY, '{"a": "\\udc00"}'.encode("utf-16"), "a"),
        (BINARY, b"[" * 900 + rb'"\ud800"' + b"]" * 900, "0" + ".0" * 899),
        ({}, rb'{"message": {"attributes": {"ce-id": "\ud800"}}, "subscription": "s"}', "message.attributes.ce-id"),
        ({}, rb'{"type": "\ud800", "body": 1, "group": 1, "version": 1, "resource": 1}', "type"),
    ],
)
def test_a_malformed_event_is_reported_by_attribute(headers: dict[str, str], body: bytes, field: str) -> None:
    with pytest.raises(MalformedError) as caught:
        receive(headers, body).event()
    named = [at for at, _ in caught.value.problems]
    assert field in named
    "".join(named).encode()  # logs and answers must be able to contain the names


def test_a_limited_number_of_unpaired_surrogates_is_named() -> None:
    with pytest.raises(MalformedError) as caught:
        receive(BINARY, b"[" + rb'"\ud800",' * 1000 + b"1]").event()
    assert [at for at, _ in caught.value.problems] == [str(number) for number in range(MAX_NAMED)]


def test_surrogate_pairs_and_escaped_backslashes_are_accepted() -> None:
    data = receive(BINARY, rb'{"a": "\ud83d\ude00", "b": "\\ud800"}').event().data
    assert data == {"a": "\U0001f600", "b": "\\ud800"}


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(MalformedError) as caught:
        receive({"ce-id": "1"}, b"").event()
    assert [at for at, _ in caught.value.problems] == ["source", "type", "specversion"]


def test_a_watch_event_names_its_object() -> None:
    data = {"kind": "CodeRun", "metadata": {"name": "x", "namespace": "n"}}
    event = Event("1", "/s", "dev.knative.apiserver.resource.update", "", data)
    assert object_ref(event) == ObjectRef("CodeRun", "n", "x", False, data)
    reference = {"kind": "CodeRun", "name": "x", "namespace": "n"}
    assert object_ref(Event("1", "/s", "dev.knative.apiserver.ref.delete", "", reference)) == ObjectRef(
        "CodeRun", "n", "x", True, None
    )
    assert object_ref(Event("1", "/s", "somebody.elses.event", "", None)) is None


@pytest.mark.parametrize("data", [None, [], "x", {}, {"kind": "CodeRun"}, {"kind": 1, "metadata": {"name": "x"}}])
def test_a_watch_event_without_its_object_is_malformed(data: object) -> None:
    with pytest.raises(MalformedError, match="data"):
        object_ref(Event("1", "/s", "dev.knative.apiserver.resource.add", "", data))


class CountedName(str):
    """A name that counts how often it is compared."""

    __slots__ = ()
    comparisons = 0

    def __eq__(self, other: object) -> bool:
        CountedName.comparisons += 1
        return super().__eq__(other)

    __hash__ = str.__hash__


def test_repeated_names_are_found_in_linear_time() -> None:
    names = [CountedName(f"n{number % 8000}") for number in range(16_000)]
    with pytest.raises(MalformedError, match="n0: is given twice") as caught:
        unique_object([(name, None) for name in names])
    assert CountedName.comparisons < 5 * len(names)
    assert len(caught.value.problems) == MAX_NAMED
