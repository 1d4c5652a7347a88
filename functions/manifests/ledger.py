"""The ledger of admitted runs as a ConfigMap with an entry for each run. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

from functions.manifests.config_map import Object, config_map
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


def parse(raw: Mapping[str, Any]) -> Ledger:
    """Return the ledger. An unreadable entry is ignored: the next pass writes it again from the run."""
    stored = {uid: _parse_reservation(text) for uid, text in (raw.get("data") or {}).items()}
    reservations = {uid: reservation for uid, reservation in stored.items() if reservation}
    annotations = raw["metadata"].get("annotations") or {}
    last_rejected = annotations.get(LAST_REJECTED, "")
    queue = _parse_queue(annotations.get(PENDING, "")) if last_rejected else PendingQueue()
    return Ledger(reservations, last_rejected, queue)


@lru_cache(CACHED)
def _parse_reservation(text: str) -> Reservation | None:
    try:
        return _reservation(**json.loads(text))
    except (ValueError, TypeError):
        return None


def _reservation(*, keys: Sequence[str], **fields: str) -> Reservation:
    return Reservation(**fields, keys=tuple(keys))


def _parse_queue(text: str) -> PendingQueue:
    """Return the queue; an unreadable one is empty and truncated, so that all runs are scanned."""
    try:
        raw = json.loads(text)
        return PendingQueue(tuple(_pending_run(**run) for run in raw["first"]), raw["more"])
    except (ValueError, TypeError, KeyError):
        return PendingQueue(truncated=True)


def _pending_run(order: Sequence[Any], namespace: str, entry: Mapping[str, Any]) -> PendingRun:
    priority, created, uid = order
    return PendingRun((priority, datetime.fromisoformat(created), uid), namespace, True, _reservation(**entry))


def new(ledger: Ledger, namespace: str) -> Object:
    """Return the ConfigMap of a ledger."""
    data = {uid: _text(reservation) for uid, reservation in ledger.entries.items()}
    return config_map(NAME, namespace, data, annotations=_annotations(ledger))


def _annotations(ledger: Ledger) -> dict[str, str]:
    first = [
        {"order": [priority, created.isoformat(), uid], "namespace": run.namespace, "entry": asdict(run.reservation)}
        for run in ledger.pending.head
        for priority, created, uid in [run.order]
    ]
    queue = json.dumps({"first": first, "more": ledger.pending.truncated}) if ledger.last_rejected else ""
    return {LAST_REJECTED: ledger.last_rejected, PENDING: queue}


@lru_cache(CACHED)
def _text(reservation: Reservation) -> str:
    return json.dumps(asdict(reservation))
