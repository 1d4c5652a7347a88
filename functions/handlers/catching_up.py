"""Tells GitHub what the event of a change should have told in time, and did not: for passes over many runs."""

from functools import partial

from functions.github.errors import Busy
from functions.handlers.driver import isolated, read
from functions.handlers.services import Services
from functions.runs.run import Run


class OnGithub:
    """One pass. What one run waited for in vain, the others do not wait for."""

    def __init__(self, services: Services) -> None:
        self._services, self._answers = services, services.github is not None

    def catch_up(self, run: Run) -> bool | None:
        """Tells what is late of the run; whether that went well, and None where there was nothing to do."""
        if not self._answers:
            return None
        from functions.handlers import telling  # only where there is an App to call GitHub as

        if not telling.late(self._services, run):
            return None
        return isolated(run.key, partial(self._tell, run))

    def _tell(self, run: Run) -> None:
        from functions.handlers import telling

        try:
            telling.tell(self._services, read(self._services, run.kind, run.namespace, run.name))
        except Busy:
            self._answers = False
            raise
