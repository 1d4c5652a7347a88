"""Reserves room in the budget of content on GitHub, which all functions share."""

from datetime import datetime

from functions.github import content_budget
from functions.github.content_budget import Share
from functions.manifests.config_map import CONTENT_BUDGET
from functions.storage.config_map_store import ConfigMapStore
from functions.storage.conflicts import retry_on_conflict


def reserve(store: ConfigMapStore, units: int, share: Share, now: datetime) -> float:
    """Reserve room for that many requests; return 0, or for how many seconds there is none. Raises ClusterError."""

    def attempt() -> float:
        raw = store.find(CONTENT_BUDGET.name)
        budget = content_budget.parse(CONTENT_BUDGET.text(raw or {}))
        seconds = budget.seconds_to_wait(units, share, now)
        if not seconds:
            store.save(raw, CONTENT_BUDGET.new(budget.with_use(units, now).to_text(), store.namespace))
        return seconds

    return retry_on_conflict(attempt, "the budget of content on GitHub; the next event reports")
