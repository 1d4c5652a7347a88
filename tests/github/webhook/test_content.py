"""The parts of a delivery that are published to the queue, and those that are logged."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.github.markdown import MAX_COMMENT_LENGTH
from functions.github.reports.feedback import MAX_OUTPUT_LENGTH
from functions.github.webhook.payload_filter import COMMON, CUT, FIELDS_BY_EVENT, MAX_BYTES, extract
from functions.github.webhook.signature import sign
from functions.serving.edge import LARGEST_BODY
from functions.serving.webhook_dependencies import WebhookDependencies
from tests.github.payloads import EVERYDAY, OTHERS
from tests.github.webhook.deliveries import COMMENT, OLD, SECRET, Queue, asked, delivery, services_over


@pytest.mark.parametrize("letter", ["x", "가", "\U0001f600", "\x01"])
@pytest.mark.parametrize(
    ("event", "where"),
    [("issue_comment", "comment"), ("pull_request_review_comment", "comment"), ("pull_request_review", "review")],
)
def test_a_text_of_githubs_maximum_length_is_kept_whole(event: str, where: str, letter: str) -> None:
    """The issue or pull request has a text of the same length."""
    text = letter * (MAX_COMMENT_LENGTH - 8) + "\n/cancel"
    full = {
        "title": letter * 256,
        "body": text,
        "labels": [{"name": letter * 50}] * 100,
        "assignees": [{"login": "a"}],
    }
    queue = Queue()
    written = {"action": "created", where: {"id": 1, "body": text}, "issue": full, "pull_request": full}
    assert asked(services_over(queue), delivery(event, written)).code == 200
    assert queue.events[0][1].data[where]["body"] == text


def test_a_longer_text_is_cut_with_a_notice(services: WebhookDependencies, queue: Queue) -> None:
    check = {"id": 1, "output": {"title": "no", "summary": "\U0001f600" * 65_535, "text": "\U0001f600" * 65_535}}
    assert asked(services, delivery("check_run", {"action": "completed", "check_run": check})).code == 200
    found = queue.events[0][1].data
    for part in ("summary", "text"):
        kept = found["check_run"]["output"][part]
        assert len(kept) > MAX_OUTPUT_LENGTH // 2, "the part that reports use is kept"
        assert kept.endswith(CUT)
    assert len(json.dumps(found)) <= MAX_BYTES


def test_the_largest_event_fits_a_push_request_in_base64() -> None:
    assert MAX_BYTES * 4 / 3 + 64 * 1024 < LARGEST_BODY, "in base64, with its attributes"


def largest(shape: Any) -> Any:
    """Return the largest value of a shape."""
    if isinstance(shape, list):
        return [largest(shape[0])] * 1_000
    return {name: largest(inner) for name, inner in shape.items()} if isinstance(shape, dict) else "\U0001f600" * 70_000


@pytest.mark.parametrize("name", sorted(FIELDS_BY_EVENT))
def test_the_largest_payload_is_cut_to_the_maximum_size(name: str) -> None:
    found = extract(name, largest({**COMMON, **FIELDS_BY_EVENT[name]}))
    assert found
    assert len(json.dumps(found)) <= MAX_BYTES


def _all_names(shape: Any) -> Iterator[str]:
    for each in shape if isinstance(shape, list) else [shape]:
        for name, inner in each.items() if isinstance(each, dict) else ():
            yield name
            yield from _all_names(inner)


KNOWN = {name for shape in FIELDS_BY_EVENT.values() for name in _all_names(shape)} | {
    "repository",
    "sender",
    "full_name",
}
NAMES = st.sampled_from(sorted(KNOWN)) | st.text(max_size=5)
"""Names of payload fields, so that generated payloads reach the inside of a shape."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=30,
)


def test_values_that_other_json_readers_reject_are_left_out() -> None:
    found = extract(
        "issue_comment", {"comment": {"id": 2**63, "body": "a\ud800b"}, "issue": {"id": 2**63 - 1, "number": 1.5}}
    )
    assert found == {"comment": {"body": "a?b"}, "issue": {"id": 2**63 - 1}}


@given(name=st.sampled_from(sorted([*EVERYDAY, *OTHERS])), payload=st.dictionaries(NAMES, JSON, max_size=8))
def test_any_json_object_is_accepted(name: str, payload: dict[str, Any]) -> None:
    queue = Queue()
    got = asked(services_over(queue), delivery(name, payload))
    assert got.code == 200, got.body
    for _, event in queue.events:
        assert len(json.dumps(event.data, allow_nan=False)) <= MAX_BYTES
        json.dumps(event.data, ensure_ascii=False).encode()
        event.subject.encode()


def test_secrets_and_payloads_are_not_logged(
    services: WebhookDependencies, queue: Queue, caplog: pytest.LogCaptureFixture
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
    output = caplog.text + json.dumps([each.body for each in answers]) + repr(services.settings)
    assert caplog.records
    assert not [word for word in (SECRET, OLD, "m4rker", sign(b"m4rker", OLD)) if word in output]
