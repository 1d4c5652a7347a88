"""The bare function (bare/) that each function of the product is compared with, served with what it needs."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager

from tests.benchmarks.deliveries import SECRET
from tests.benchmarks.deployed import Release, Served
from tests.benchmarks.recording import Recording, record
from tests.benchmarks.work import Item, Work

WEBHOOK = "github_webhook"


class Baselines:
    """Serves the bare function of each target; its calls are recorded once per target."""

    def __init__(self, release: Release, work: Work) -> None:
        self._release, self._work = release, work
        self._recordings: dict[str, Recording] = {}

    def serving(self, target: str, item: Item) -> AbstractContextManager[Served]:
        """Serve the bare function that does the work of `item`, until the block ends."""
        if target == WEBHOOK:
            environ = bare_webhook({"ORCHESTRATOR_QUEUES__URL": self._work.address.queue})
            return self._release.serving_bare(WEBHOOK, environ)
        if target not in self._recordings:
            raise KeyError(f"the calls of {target} are not recorded")
        calls = self._release.folder / f"{target}-calls.json"
        calls.write_text(json.dumps(self._recordings[target].calls(item.number, item.uid)))
        app = self._work.github.app
        environ = {
            "BARE_CALLS": str(calls),
            "BARE_KUBECONFIG": str(self._work.address.kubeconfig),
            "BARE_QUEUE_URL": self._work.address.queue,
            "BARE_CODE": str(item.post.code),
            **({"BARE_APP_ID": str(app.id), "BARE_PRIVATE_KEY": app.private_key} if target == "github_event" else {}),
        }
        return self._release.serving_bare("calls", environ)

    def record(self, target: str) -> None:
        """Record the calls of a target. It makes work of its own."""
        if target != WEBHOOK:
            self._recordings[target] = record(self._work, target)


def bare_webhook(queue: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the bare webhook, from that of the product's queue."""
    return {
        "BARE_SECRET": SECRET,
        "BARE_QUEUE_URL": queue.get("ORCHESTRATOR_QUEUES__URL", ""),
        "BARE_QUEUE_PROJECT": queue.get("ORCHESTRATOR_QUEUES__PROJECT", ""),
        "PUBSUB_EMULATOR_HOST": queue.get("PUBSUB_EMULATOR_HOST", ""),
    }
