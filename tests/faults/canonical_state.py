"""The objects of a server state without uids, versions and times, so that equal states compare equal."""

import json
from collections.abc import Mapping

from functions.cluster.kinds import RUNS
from functions.local.apiserver.store import Key
from tests.faults.invariants import parse_body
from tests.support.memoized_server import ServerState

_LUCK = ("resourceVersion", "creationTimestamp", "deletionTimestamp")


def state(moment: ServerState, namespace: str) -> frozenset[str]:
    """Return the objects of the namespace, except Events of runs, with each uid replaced by its object's key."""
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
    for uid, key in uids.items():
        text = text.replace(uid, key)
    return text
