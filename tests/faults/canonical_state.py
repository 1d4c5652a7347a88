"""The objects of a moment without what is luck, so that two moments can be found to be the same."""

import json
from collections.abc import Mapping

from tests.faults.invariants import parse_body
from tests.support.memoized_server import ServerState

_LUCK = ("resourceVersion", "creationTimestamp", "deletionTimestamp")


def state(moment: ServerState, namespace: str) -> frozenset[str]:
    """What is in that namespace, but for Events: an object's uid is taken for its place, wherever it stands."""
    bodies = {
        key: body
        for key, body in moment.content.bodies.items()
        if key.namespace == namespace and key.resource != "events"
    }
    uids = {parse_body(body)["metadata"]["uid"]: "/".join(key) for key, body in bodies.items()}
    return frozenset(_without_luck(body, uids) for body in bodies.values())


def _without_luck(body: str, uids: Mapping[str, str]) -> str:
    item = dict(parse_body(body))
    item["metadata"] = {**item["metadata"], **{luck: luck for luck in _LUCK if luck in item["metadata"]}}
    text = json.dumps(item)
    for uid, bench in uids.items():
        text = text.replace(uid, bench)
    return text
