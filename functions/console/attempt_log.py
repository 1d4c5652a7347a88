"""Follows the log of an attempt; each line is yielded once."""

from collections.abc import Iterator

from functions.cluster.client import Object
from functions.cluster.errors import Forbidden, Invalid, NotFound
from functions.cluster.pod_log import PodLog, started
from functions.console import page_data
from functions.console.context import Console
from functions.runs.model.run import Run


class AttemptLog:
    """The log of the pods of one Job; `why` says why there is none, for people."""

    def __init__(self, console: Console, run: Run, job_name: str) -> None:
        self._console, self._run, self._job_name = console, run, job_name
        self._logs: dict[str, PodLog] = {}
        self.pods: list[Object] = []
        self.why = ""

    def new_lines(self) -> Iterator[str]:
        """Yield the lines since the last call.

        Raises:
            ClusterError: the cluster does not answer.
        """
        listed = page_data.pods(self._console, self._run, self._job_name)
        self.pods, self.why = listed.found, listed.why
        for pod in self.pods:
            if started(pod):
                yield from self._read(pod)
        if not (self._logs or self.why):
            self.why = "There is no output yet." if self.pods else "There is no pod, so no output."

    def _read(self, pod: Object) -> Iterator[str]:
        uid = pod["metadata"]["uid"]
        log = self._logs.setdefault(uid, PodLog(self._console.cluster, pod))
        try:
            yield from log.read()
        except NotFound:  # deleted since it was listed
            return
        except Invalid:  # the container has not started or was removed
            self.why = "The container has not started, or its log was removed."
        except Forbidden as error:
            self.why = f"The agent's output is not shown: {error}"
