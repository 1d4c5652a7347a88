"""Deliveries of the fake GitHub, through the webhook, a queue that is a list, and `github_event`."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.kinds import RUNS
from functions.cluster.transport import Transport
from functions.events.event import Event
from functions.events.pubsub_binding import SUBSCRIPTION
from functions.github.api.client import connect
from functions.handlers import github_event, github_webhook, report
from functions.runs.lifecycle import transitions
from functions.runs.lifecycle.states import State
from functions.runs.model.code_run_spec import CodeRunSpec
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run, parse
from functions.serving.http import Answer, Request, answer
from functions.serving.webhook_dependencies import WebhookDependencies
from tests.github.clock import Clock
from tests.support.api import Harness
from tests.support.builders import settings
from tests.support.github import Github, Repository, payloads
from tests.support.run_steps import event as watch_event

Object = dict[str, Any]


class DeliveryBench:
    """A repository on GitHub, a namespace of an API server, and the functions between them."""

    def __init__(self, api: Transport, namespace: str, github: Github, clock: Clock) -> None:
        self.github, self.clock = github, clock
        self.shop: Repository = github.repository()
        configured = settings(namespace=namespace, github=github.settings(default_app="5DLabs-Rex"))
        self.world = Harness(api, namespace, configured=configured)
        client = connect(configured.github, clock)
        self.services = replace(self.world.services, clock=clock, github=client, publisher=self)
        self.queue: list[Event] = []
        github.hook.send = self._webhook

    # The queue

    def publish(self, topic: str, event: Event) -> None:
        """Publish to the queue between the two functions."""
        assert topic == "github"
        self.queue.append(event)

    def _webhook(self, headers: Mapping[str, str], body: bytes) -> int:
        lower = {name.lower(): text for name, text in headers.items()}
        return answer(
            partial(github_webhook.handle, WebhookDependencies(self.services.settings, self.services.publisher)),
            Request(lower, body),
        ).code

    def deliver(self, event: str, payload: Any, guid: str = "") -> Answer:
        """Deliver an event from GitHub; return the answer of `github_event` to the queue."""
        return self.take(self.queued(event, payload, guid))

    def queued(self, event: str, payload: Any, guid: str = "") -> Event:
        """Deliver an event from GitHub to the webhook; return the event in the queue."""
        before = len(self.queue)
        assert self.github.hook.deliver(event, payload, guid).status_code == 200
        (found,) = self.queue[before:]
        return found

    def take(self, event: Event) -> Answer:
        """Deliver an event from the queue to `github_event`."""
        named = {"id": event.id, "source": event.source, "type": event.type, "subject": event.subject}
        headers = {f"ce-{name}": text for name, text in {**named, "specversion": "1.0"}.items() if text}
        headers |= {"content-type": "application/json", SUBSCRIPTION: "github-github-event"}
        request = Request(headers, json.dumps(event.data).encode())
        return answer(partial(github_event.handle, self.services), request)

    def report(self, run: Run) -> int:
        """Deliver the event of the run's present state to `report`; return the status code."""
        services = replace(self.services, publisher=None)
        return answer(partial(report.handle, services), watch_event(self.now(run).raw)).code

    # Actions of people

    def issue(self, title: str = "An issue", body: str | None = "Its text", by: str = "octocat") -> int:
        """Open an issue; return its number."""
        return int(self.shop.open_issue(title, body, by)["number"])

    def comment(self, number: int, body: str, by: str = "octocat") -> Answer:
        """Write a comment; return the answer of `github_event`."""
        return self.deliver("issue_comment", self.commented(number, body, by))

    def commented(self, number: int, body: str, by: str = "octocat") -> Object:
        return payloads.issue_comment(self.shop, number, self.shop.comment(number, body, by))

    def configure(self, text: str) -> None:
        """Commit the repository's configuration."""
        self.shop.files["main", ".github/orchestrator.yaml"] = text.encode()

    # Reading runs and comments

    def runs(self) -> list[Run]:
        """Return all runs, the oldest first."""
        return sorted(map(parse, self.world.runs()), key=lambda run: (run.created, run.name))

    def run(self) -> Run:
        """Return the only run."""
        (found,) = self.runs()
        return found

    def now(self, run: Run) -> Run:
        """Return the run in its present state."""
        (found,) = (each for each in self.runs() if each.uid == run.uid)
        return found

    def spec(self, run: Run | None = None) -> CodeRunSpec:
        """Return the present spec of the code run, by default of the only run."""
        found = (self.now(run) if run else self.run()).spec
        assert isinstance(found, CodeRunSpec)
        return found

    def prompt(self, run: Run | None = None) -> str:
        """Return the present instructions of the code run beyond its task."""
        return str(self.spec(run).prompt_modification)

    def retries(self, run: Run | None = None) -> int:
        """Return how often a retry of the code run was requested."""
        return int(self.spec(run).context_version) - 1

    def answers(self, number: int) -> list[str]:
        """Return the comments of our App on the issue, without the marker."""
        ours = [each for each in self.shop.comments_on(number) if each["user"]["login"] == "5dlabs-rex[bot]"]
        return [each["body"].partition("\n")[2] for each in ours]

    # Transitions of runs

    def begins(self, run: Run) -> Run:
        """Start an attempt of the run."""
        return self._write(run, transitions.start(run, self.clock()))

    def reopened(self, run: Run) -> Run:
        """Reopen a run whose retry was requested, and start the attempt."""
        return self.begins(self._write(run, transitions.reopen(run, self.clock())))

    def ends(self, run: Run, to: State = State.SUCCEEDED, commit: str | None = None) -> Run:
        """End the run."""
        if run.status.open_attempt is None:
            run = self.begins(run)
        reason = Reason.CANCELLED if to is State.CANCELLED else Reason.COMPLETED
        status = transitions.end_run(run, to, reason, "", self.clock())
        last = status.attempts[-1].model_copy(update={"commit": commit, "finished_at": self.clock()})
        branch = f"agents/{run.name}-{run.uid[:5]}"
        done = {"attempts": [*status.attempts[:-1], last], "branch": branch}
        return self._write(run, status.model_copy(update=done))

    def _write(self, run: Run, status: Any) -> Run:
        return parse(Cluster(self.world.calls.inner).replace_status(RUNS[run.kind], run.to_status_update(status)))

    def asked_for(self, command: str = "/code 3 service=api") -> tuple[Run, int]:
        """Request a run on a new issue; return the run and the issue's number."""
        number = self.issue()
        known = {run.uid for run in self.runs()}
        assert self.comment(number, command).code == 204
        (made,) = (run for run in self.runs() if run.uid not in known)
        return made, number

    def with_pull(self, commit: str | None = None, **spec: Any) -> tuple[Run, Object]:
        """Return a run that succeeded, and the pull request of its branch."""
        run = self.ends(self.asked_for()[0], commit=commit)
        return run, self.shop.open_pull(run.status.branch or "", by="5dlabs-rex[bot]")
