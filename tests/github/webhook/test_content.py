"""What of a delivery goes on the queue, whatever is in it, and what of it is logged.

| in a delivery                                  | on the queue, or in the log                               |
|------------------------------------------------|-----------------------------------------------------------|
| long texts, the largest of everything          | at most LARGEST bytes, cut where it says so               |
| any JSON object as any event                   | no error, and what every reader of JSON can read          |
| secrets, and all that people wrote             | nothing of it is logged                                   |
"""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.github.extract import COMMON, CUT, LARGEST, WANTED, extract
from functions.github.signature import sign
from functions.handlers.services import Services
from tests.github.payloads import EVERYDAY, OTHERS
from tests.github.webhook.deliveries import COMMENT, OLD, SECRET, Queue, asked, delivery, services_over


def test_a_long_text_is_cut_and_says_so(services: Services, queue: Queue) -> None:
    astral = "\U0001f600" * 65_536
    long = COMMENT | {"comment": COMMENT["comment"] | {"body": "/code 3\n" + astral}}
    assert asked(services, delivery("issue_comment", long)).code == 200
    body = queue.events[0][1].data["comment"]["body"]
    assert body.startswith("/code 3\n\U0001f600")
    assert body.endswith(CUT)
    assert len(json.dumps(queue.events[0][1].data)) <= LARGEST


def test_an_ordinary_long_comment_is_whole(services: Services, queue: Queue) -> None:
    text = "word " * 13_000
    long = COMMENT | {"comment": COMMENT["comment"] | {"body": text}}
    assert asked(services, delivery("issue_comment", long)).code == 200
    assert queue.events[0][1].data["comment"]["body"] == text


def largest(shape: Any) -> Any:
    """The largest thing that fits a shape."""
    if isinstance(shape, list):
        return [largest(shape[0])] * 1_000
    return (
        {name: largest(inner) for name, inner in shape.items()} if isinstance(shape, dict) else "\U0001f600" * 70_000
    )


@pytest.mark.parametrize("name", sorted(WANTED))
def test_nothing_larger_than_a_queue_takes_is_made(name: str) -> None:
    found = extract(name, largest({**COMMON, **WANTED[name]}))
    assert found
    assert len(json.dumps(found)) <= LARGEST


def _all_names(shape: Any) -> Iterator[str]:
    for each in shape if isinstance(shape, list) else [shape]:
        for name, inner in each.items() if isinstance(each, dict) else ():
            yield name
            yield from _all_names(inner)


KNOWN = {name for shape in WANTED.values() for name in _all_names(shape)} | {"repository", "sender", "full_name"}
NAMES = st.sampled_from(sorted(KNOWN)) | st.text(max_size=5)
"""Names that payloads have, so that what is generated reaches the inside of a shape."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=30,
)


def test_what_others_could_not_read_is_left_out() -> None:
    found = extract(
        "issue_comment", {"comment": {"id": 2**63, "body": "a\ud800b"}, "issue": {"id": 2**63 - 1, "number": 1.5}}
    )
    assert found == {"comment": {"body": "a?b"}, "issue": {"id": 2**63 - 1}}


@given(name=st.sampled_from(sorted([*EVERYDAY, *OTHERS])), payload=st.dictionaries(NAMES, JSON, max_size=8))
def test_no_json_object_is_answered_with_an_error(name: str, payload: dict[str, Any]) -> None:
    queue = Queue()
    got = asked(services_over(queue), delivery(name, payload))
    assert got.code == 200, got.body
    for _, event in queue.events:
        assert len(json.dumps(event.data, allow_nan=False)) <= LARGEST
        json.dumps(event.data, ensure_ascii=False).encode()
        event.subject.encode()


def test_no_secret_and_nothing_of_a_payload_is_logged(
    services: Services, queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    marked = json.loads(json.dumps(COMMENT).replace("octocat", "m4rker").replace("right", "m4rker"))
    logger = logging.getLogger("orchestrator")
    logger.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.DEBUG, "orchestrator"):
            answers = [
                asked(services, delivery("issue_comment", marked)),
                asked(services, delivery("issue_comment", b'{"m4rker"')),
                asked(services, delivery("issue_comment", marked, x_hub_signature_256=sign(b"m4rker", OLD))),
                asked(services, delivery("issue_comment", marked, content_type="text/m4rker")),
            ]
    finally:
        logger.removeHandler(caplog.handler)
    told = caplog.text + json.dumps([each.body for each in answers]) + repr(services.settings)
    assert caplog.records
    assert not [word for word in (SECRET, OLD, "m4rker", sign(b"m4rker", OLD)) if word in told]
