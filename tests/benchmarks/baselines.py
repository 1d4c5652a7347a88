"""The bare function (bare/) that each function of the product is compared with, served with what it needs."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from tests.benchmarks.deliveries import SECRET
from tests.benchmarks.deployed import Release, Served
from tests.benchmarks.recording import record
from tests.benchmarks.work import Item, Work

WEBHOOK = "github_webhook"


class Baseline:
    """The bare function of one target. Its calls are recorded when the object is made, on work of their own."""

    def __init__(self, release: Release, work: Work, target: str) -> None:
        self._release, self._work, self._target = release, work, target
        self._recording = None if target == WEBHOOK else record(work, target)

    def serving(self, item: Item) -> AbstractContextManager[Served]:
        """Serve a bare function that does the work of `item`, until the block ends."""
        if self._recording is None:
            environ = bare_webhook({"ORCHESTRATOR_QUEUES__URL": self._work.address.queue})
            return self._release.serving_bare(WEBHOOK, environ)
        calls = self._release.folder / f"{self._target}-calls.json"
        calls.write_text(json.dumps(self._recording.calls(item.number, item.uid)))
        return self._release.serving_bare("calls", self._environ(calls, item))

    def _environ(self, calls: Path, item: Item) -> dict[str, str]:
        app = self._work.github.app
        on_github = self._target == "github_event"
        return {
            "BARE_CALLS": str(calls),
            "BARE_KUBECONFIG": str(self._work.address.kubeconfig),
            "BARE_QUEUE_URL": self._work.address.queue,
            "BARE_CODE": str(item.post.code),
            **({"BARE_APP_ID": str(app.id), "BARE_PRIVATE_KEY": app.private_key} if on_github else {}),
        }


def bare_webhook(queue: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the bare webhook, from that of the product's queue."""
    return {
        "BARE_SECRET": SECRET,
        "BARE_QUEUE_URL": queue.get("ORCHESTRATOR_QUEUES__URL", ""),
        "BARE_QUEUE_PROJECT": queue.get("ORCHESTRATOR_QUEUES__PROJECT", ""),
        "PUBSUB_EMULATOR_HOST": queue.get("PUBSUB_EMULATOR_HOST", ""),
    }
