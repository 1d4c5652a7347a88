"""The ledger of admitted runs as it is kept on the cluster: one ConfigMap, an entry a run."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from functions.runs import group
from functions.runs.admission import Entry, Ledger

NAME = "orchestrator-ledger"
WAITING = group.label("waiting")
"""Annotation: the uid of a run that found no place."""

Object = dict[str, Any]


def parse(raw: Mapping[str, Any]) -> Ledger:
    """The ledger in its ConfigMap. An entry nobody can read is none: the next pass writes it again from the run."""
    found = {uid: entry for uid, text in (raw.get("data") or {}).items() if (entry := _entry(text))}
    return Ledger(found, raw["metadata"].get("annotations", {}).get(WAITING, ""))


def _entry(text: str) -> Entry | None:
    try:
        return Entry(**json.loads(text))
    except (ValueError, TypeError):
        return None


def new(ledger: Ledger, namespace: str) -> Object:
    """The ConfigMap of a ledger that was not there."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": NAME,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "orchestrator"},
            "annotations": {WAITING: ledger.waiting},
        },
        "data": {uid: _text(entry) for uid, entry in ledger.entries.items()},
    }


def patch(raw: Mapping[str, Any], ledger: Ledger) -> Object | None:
    """The merge patch from `raw`, and no later version of it, to `ledger`; None where nothing changes."""
    wanted = {uid: _text(entry) for uid, entry in ledger.entries.items()}
    before = raw.get("data") or {}
    data = dict.fromkeys(before.keys() - wanted.keys())
    data |= {uid: text for uid, text in wanted.items() if before.get(uid) != text}
    if not data and parse(raw).waiting == ledger.waiting:
        return None
    version = {"resourceVersion": raw["metadata"]["resourceVersion"], "annotations": {WAITING: ledger.waiting}}
    return {"metadata": version, "data": data}


def _text(entry: Entry) -> str:
    return json.dumps(asdict(entry))
