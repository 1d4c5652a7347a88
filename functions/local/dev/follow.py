"""Shows runs as they go: phases, Kubernetes Events and what their agents say, one line each, as it happens."""

import threading
import time
from typing import TextIO

import urllib3

from functions.cluster.client import Cluster
from functions.cluster.kinds import EVENT, POD
from functions.runs.model.run import Run
from functions.views.agent_output import readable, short

LINE = 110
"""Characters of a line of an agent that are shown."""


class Progress:
    """Prints what is new about runs; each pod's log is followed by a thread of its own."""

    def __init__(self, cluster: Cluster, url: str, out: TextIO) -> None:
        self._cluster = cluster
        self._url = url
        self._out = out
        self._began = time.monotonic()
        self._shown: set[str] = set()
        self._phases: dict[str, str | None] = {}
        self._followers: list[threading.Thread] = []
        self._lock = threading.Lock()

    def show(self, run: Run) -> None:
        """Prints what happened to the run since it was last shown."""
        if self._phases.get(run.uid) != run.status.phase:
            self._phases[run.uid] = run.status.phase
            self._line(run, f"phase    {run.status.phase}")
        for event in self._cluster.list(EVENT, run.namespace):
            if event["involvedObject"].get("uid") == run.uid and self._is_new(event["metadata"]["uid"]):
                self._line(run, f"event    {event['reason']}: {event['message']}")
        for pod in self._cluster.list(POD, run.namespace, f"job-name={run.status.job_name}"):
            name = pod["metadata"]["name"]
            if pod["status"].get("phase") != "Pending" and self._is_new(name):
                self._follow(run, name)

    def finish(self) -> None:
        """Waits until the logs are shown to their ends."""
        for follower in self._followers:
            follower.join(timeout=5)

    def _is_new(self, what: str) -> bool:
        new = what not in self._shown
        self._shown.add(what)
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
                    self._line(run, f"log      {short(text, LINE)}")
        except urllib3.exceptions.HTTPError as error:
            self._line(run, f"log      (cut: {error})")

    def _line(self, run: Run, text: str) -> None:
        elapsed = time.monotonic() - self._began
        with self._lock:
            print(f"{elapsed:6.1f}s  {run.kind.word:<4}  {text}", file=self._out, flush=True)
