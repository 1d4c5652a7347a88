"""The rules of webhook events raise no error, whatever the payload."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.payload_filter import FIELDS_BY_EVENT, extract
from functions.github.webhook.rules import router
from tests.github.payloads import EVERYDAY

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def _holes(value: Any) -> st.SearchStrategy[Any]:
    """Return the value with any of its parts replaced or left out."""
    if isinstance(value, dict):
        parts = {str(key): _holes(each) for key, each in value.items()}
        return st.fixed_dictionaries(parts) | st.fixed_dictionaries({}, optional=parts) | JSON
    return st.just(value) | JSON


EXTRACTED = [(event, extract(event, payload) or {}) for event in sorted(FIELDS_BY_EVENT) for payload in EVERYDAY[event]]
ACTIONS = ("created", "submitted", "completed", "closed", "labeled", "assigned", "")


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(EXTRACTED).flatmap(lambda pair: st.tuples(st.just(pair[0]), _holes(pair[1]))))
def test_deciding_on_any_payload_raises_no_error(delivery: tuple[str, Any]) -> None:
    event, payload = delivery
    for data in (payload, {"comment": payload, "review": payload, "issue": payload, "pull_request": payload}):
        for action in ACTIONS if isinstance(data, dict) else ():
            assert isinstance(router.decide(WebhookEvent(event, action, "d", data)), list)
