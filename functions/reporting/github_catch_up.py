"""Tells GitHub what the event of a change should have told in time, and did not: for passes over many runs."""

from functools import partial

from functions.github.api.errors import Busy
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies
from functions.storage.isolation import isolate_errors


class OnGithub:
    """One pass. What one run waited for in vain, the others do not wait for."""

    def __init__(self, services: Dependencies) -> None:
        self._services, self._answers = services, services.github is not None

    def catch_up(self, run: Run) -> bool | None:
        """Tells what is late of the run; whether that went well, and None where there was nothing to do."""
        if not self._answers:
            return None
        from functions.reporting import github_sync  # only where there is an App to call GitHub as

        if not github_sync.late(self._services, run):
            return None
        return isolate_errors(run.key, partial(self._tell, run))

    def _tell(self, run: Run) -> None:
        from functions.reporting import github_sync

        try:
            github_sync.tell(self._services, self._services.runs.reread(run))
        except Busy:
            self._answers = False
            raise
