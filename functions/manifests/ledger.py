"""The ledger of admitted runs as a ConfigMap with an entry for each run. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

from functions.runs import api_group
from functions.runs.admission.capacity import Reservation
from functions.runs.admission.ledger import Ledger
from functions.runs.admission.pending_queue import PendingQueue, PendingRun

NAME = "orchestrator-ledger"
LAST_REJECTED = api_group.label("waiting")
"""Annotation: the uid of a run that found no slot."""
PENDING = api_group.label("line")
"""Annotation: the head of the pending queue, `{"first": [...], "more": false}`."""
CACHED = 2048
"""Entries kept decoded and encoded: almost all of a ledger is the same from one read to the next."""

Object = dict[str, Any]


def parse(raw: Mapping[str, Any]) -> Ledger:
    """Return the ledger. An unreadable entry is ignored: the next pass writes it again from the run."""
    found = {uid: entry for uid, text in (raw.get("data") or {}).items() if (entry := _entry(text))}
    notes = raw["metadata"].get("annotations") or {}
    waiting = notes.get(LAST_REJECTED, "")
    return Ledger(found, waiting, _line(notes.get(PENDING, "")) if waiting else PendingQueue())


@lru_cache(CACHED)
def _entry(text: str) -> Reservation | None:
    try:
        return _reservation(**json.loads(text))
    except (ValueError, TypeError):
        return None


def _reservation(*, keys: Sequence[str], **fields: str) -> Reservation:
    return Reservation(**fields, keys=tuple(keys))


def _line(text: str) -> PendingQueue:
    """Return the queue; an unreadable one is empty and truncated, so that all runs are scanned."""
    try:
        raw = json.loads(text)
        return PendingQueue(tuple(_candidate(**each) for each in raw["first"]), raw["more"])
    except (ValueError, TypeError, KeyError):
        return PendingQueue(truncated=True)


def _candidate(order: Sequence[Any], namespace: str, entry: Mapping[str, Any]) -> PendingRun:
    priority, created, uid = order
    return PendingRun((priority, datetime.fromisoformat(created), uid), namespace, True, _reservation(**entry))


def new(ledger: Ledger, namespace: str) -> Object:
    """Return the ConfigMap of a ledger."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": NAME,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "orchestrator"},
            "annotations": _notes(ledger),
        },
        "data": {uid: _text(entry) for uid, entry in ledger.entries.items()},
    }


def _notes(ledger: Ledger) -> dict[str, str]:
    first = [
        {"order": [priority, created.isoformat(), uid], "namespace": each.namespace, "entry": asdict(each.reservation)}
        for each in ledger.pending.head
        for priority, created, uid in [each.order]
    ]
    line = json.dumps({"first": first, "more": ledger.pending.truncated}) if ledger.last_rejected else ""
    return {LAST_REJECTED: ledger.last_rejected, PENDING: line}


@lru_cache(CACHED)
def _text(entry: Reservation) -> str:
    return json.dumps(asdict(entry))
