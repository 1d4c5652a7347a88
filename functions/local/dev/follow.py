"""Prints the progress of runs: phases, Kubernetes Events and the output of agents, one line each, as they occur."""

import threading
import time
from typing import TextIO

import urllib3

from functions.cluster.client import Cluster
from functions.cluster.kinds import EVENT, POD
from functions.runs.model.run import Run
from functions.views.agent_output import readable, short

LINE = 110
"""How many characters of an agent's line are shown."""


class Progress:
    """Prints changes of runs; one thread per pod follows its log."""

    def __init__(self, cluster: Cluster, url: str, out: TextIO) -> None:
        self._cluster = cluster
        self._url = url
        self._out = out
        self._started = time.monotonic()
        self._shown: set[str] = set()
        self._phases: dict[str, str | None] = {}
        self._followers: list[threading.Thread] = []
        self._lock = threading.Lock()

    def show(self, run: Run) -> None:
        """Print the changes of the run since the last call."""
        if self._phases.get(run.uid) != run.status.phase:
            self._phases[run.uid] = run.status.phase
            self.line(run, "phase", run.status.phase or "")
        for event in self._cluster.list(EVENT, run.namespace):
            if event["involvedObject"].get("uid") == run.uid and self._is_new(event["metadata"]["uid"]):
                self.line(run, "event", f"{event['reason']}: {event['message']}")
        for pod in self._cluster.list(POD, run.namespace, f"job-name={run.status.job_name}"):
            name = pod["metadata"]["name"]
            if pod["status"].get("phase") != "Pending" and self._is_new(name):
                self._follow(run, name)

    def finish(self) -> None:
        """Wait until the logs are printed completely."""
        for follower in self._followers:
            follower.join(timeout=5)

    def close(self) -> None:
        """Leave the stream as it was, whether or not the runs have ended."""

    def _is_new(self, key: str) -> bool:
        new = key not in self._shown
        self._shown.add(key)
        return new

    def _follow(self, run: Run, pod: str) -> None:
        follower = threading.Thread(target=self._copy, args=(run, pod), daemon=True)
        follower.start()
        self._followers.append(follower)

    def _copy(self, run: Run, pod: str) -> None:
        url = f"{self._url}{POD.path(run.namespace, pod, 'log')}?follow=true"
        try:
            for raw in urllib3.request("GET", url, preload_content=False, retries=False, timeout=None):
                text = readable(raw.decode(errors="replace").strip())
                if text:
                    self.line(run, "log", short(text, LINE))
        except urllib3.exceptions.HTTPError as error:
            self.line(run, "log", f"(interrupted: {error})")

    def line(self, run: Run, what: str, text: str) -> None:
        """Print one line about a run; `what` is phase, event or log."""
        elapsed = time.monotonic() - self._started
        with self._lock:
            print(f"{elapsed:6.1f}s  {run.kind.word:<4}  {what:<8} {text}", file=self._out, flush=True)
