"""The objects of a moment without what is luck, so that two moments can be found to be the same."""

import json
from collections.abc import Mapping

from functions.cluster.kinds import RUNS
from functions.local.apiserver.store import Key
from tests.faults.invariants import parse_body
from tests.support.memoized_server import ServerState

_LUCK = ("resourceVersion", "creationTimestamp", "deletionTimestamp")


def state(moment: ServerState, namespace: str) -> frozenset[str]:
    """What is in that namespace, but for Events of runs: an object's uid is taken for its place, wherever it stands."""
    bodies = {
        key: body
        for key, body in moment.content.bodies.items()
        if key.namespace == namespace and not _is_event_of_run(key, body)
    }
    uids = {parse_body(body)["metadata"]["uid"]: "/".join(key) for key, body in bodies.items()}
    return frozenset(_without_luck(body, uids) for body in bodies.values())


def _is_event_of_run(key: Key, body: str) -> bool:
    return key.resource == "events" and parse_body(body)["involvedObject"]["kind"] in RUNS


def _without_luck(body: str, uids: Mapping[str, str]) -> str:
    item = dict(parse_body(body))
    item["metadata"] = {**item["metadata"], **{luck: luck for luck in _LUCK if luck in item["metadata"]}}
    text = json.dumps(item)
    for uid, bench in uids.items():
        text = text.replace(uid, bench)
    return text
