"""A run requested on GitHub, and the function `report`. Cluster and GitHub share one transport, so that a test can
count, refuse or stop at any call to either.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from functions.cluster.client import Cluster
from functions.cluster.errors import NotFound
from functions.cluster.kinds import RUNS
from functions.cluster.transport import Request, Transport
from functions.composition import REPORTERS
from functions.events.event import RETENTION_DUE
from functions.github.api import transport as wire
from functions.github.api.client import Github as Client
from functions.github.api.errors import Busy
from functions.github.api.tokens import AppKey
from functions.github.reports import comment
from functions.handlers import report, sweep
from functions.manifests import run as requested
from functions.runs.model import naming, origin
from functions.runs.model.run import Run, parse
from functions.runs.model.specs import SPECS
from functions.serving import http as edge
from functions.serving.dependencies import Dependencies
from tests.support.actors import Actor
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC, DOCS_SPEC, settings
from tests.support.github import Call, Github
from tests.support.memoized_server import MemoizedServer, StateGraph
from tests.support.run_steps import event, job_event, run_event

TEMPLATES = Path(__file__).parents[1] / "faults" / "templates"
"""Small templates: the content of task files does not matter here."""
ON_GITHUB = "/github"
NAMESPACE = "orchestrator"
FIRST = "c" * 40
"""The commit that an attempt pushes by default."""
USAGE = {"costUsd": 0.125, "turns": 14, "inputTokens": 1, "outputTokens": 2}
Object = dict[str, Any]


@dataclass
class Both:
    """One transport to the API server and to GitHub."""

    cluster: Transport
    github: Github

    def send(self, request: Request) -> Any:
        if request.path != ON_GITHUB:
            return self.cluster.send(request)
        asked = request.body
        url = urlsplit(asked.url)
        reply = self.github.answer(Call(asked.method, url.path, dict(parse_qsl(url.query)), asked.body, asked.token))
        if reply.status == 0:
            raise Busy("the connection was cut by the test")
        headers = {name.lower(): text for name, text in reply.headers.items()}
        return wire.Response(reply.status, headers, reply.encoded())

    def stream(self, request: Request) -> Iterator[Any]:
        return self.cluster.stream(request)


@dataclass
class ToGithub:
    """GitHub's transport over that of the cluster."""

    through: Transport

    def send(self, request: wire.Request) -> wire.Response:
        found: wire.Response = self.through.send(Request(request.method, ON_GITHUB, {}, request))
        return found


@cache
def past() -> StateGraph:
    """Return the recorded answers of the API server; the common beginnings of cases are replayed from it."""
    return StateGraph()


class ReportBench:
    """One run on an API server of its own, requested on an issue of a repository of a GitHub of its own."""

    def __init__(self, kind: str = "CodeRun", *, asked_for: bool = True, client_id: bool = False, **spec: Any) -> None:
        """`client_id`: the App is configured by its client id."""
        self._by_client_id = client_id
        self.github = Github(lambda: self.world.now, url="http://127.0.0.1:1")
        self.github.place.url = self.github.url
        self.settings = settings(namespace=NAMESPACE, github=self._configured(), templates=TEMPLATES)
        self.world = Harness(MemoizedServer(past()), NAMESPACE, configured=self.settings)
        self.shop = self.github.repository()
        self.issue = int(self.shop.open_issue()["number"])
        self.both = Both(self.world.calls, self.github)
        self._client = self._client_over(self.both)
        where = origin.Origin("acme/shop", self.issue, "octocat", "", self.shop.id)
        self.made = self._submit(kind, origin.to_annotations(where) if asked_for else {}, spec)
        self.branch = naming.branch(self.made.name, self.made.uid)

    def _configured(self) -> Object:
        return {
            "api_url": self.github.url,
            "app_id": self.github.app.client_id if self._by_client_id else str(self.github.app.id),
            "private_key": self.github.app.private_key,
        }

    def _submit(self, kind: str, annotations: Mapping[str, str], spec: Mapping[str, Any]) -> Run:
        url = "https://127.0.0.1:1/acme/shop.git"
        base = {**(CODE_SPEC if kind == "CodeRun" else DOCS_SPEC), "repositoryUrl": url, **spec}
        item = requested.run(SPECS[kind].model_validate(base), NAMESPACE, "run-1", annotations)
        return parse(self.world.kubelet.create(RUNS[kind], item))

    # The functions

    def services(self, transport: Transport | None = None) -> Dependencies:
        """Return dependencies whose calls go through `transport`; by default those of the process so far."""
        client = self._client if transport is None else self._client_over(transport)
        cluster = Cluster(transport or self.both)
        return Dependencies(self.settings, cluster, lambda: self.world.now, github=client, connect_reporters=REPORTERS)

    def _client_over(self, transport: Transport) -> Client:
        key = AppKey(self.settings.github.app_id, self.github.app.private_key)
        return Client(self.github.url, key, ToGithub(transport), lambda: self.world.now)

    def report(self, raw: Any = None, services: Dependencies | None = None) -> int:
        """Deliver the event of the run's present state, or of `raw`; return the status code."""
        handler = partial(report.handle, services or self.services())
        return edge.answer(handler, event(raw or self.run().raw)).code

    def sweep(self, services: Dependencies | None = None) -> edge.Answer:
        return edge.answer(partial(sweep.handle, services or self.services()), edge.Request({}, b""))

    def hourly(self, services: Dependencies | None = None) -> edge.Answer:
        headers = {"ce-id": "1", "ce-source": "s", "ce-specversion": "1.0", "ce-type": RETENTION_DUE}
        return edge.answer(partial(sweep.handle, services or self.services()), edge.Request(headers, b""))

    # Changes of the run

    def run(self) -> Run:
        return parse(self.world.kubelet.get(RUNS[self.made.kind], NAMESPACE, self.made.name))

    def gone(self) -> bool:
        try:
            return not self.run()
        except NotFound:
            return True

    def starts(self) -> None:
        run_event(self.world, self.run().raw)

    def works(self) -> None:
        self.starts()
        job_event(self.world, self.world.job_ready(self.run().status.job_name or ""))

    def ends(self, commit: str | None = FIRST, *, ok: bool = True, **fields: Any) -> None:
        """End the running attempt, with the commit pushed."""
        if commit:
            self.shop.branches[self.branch] = commit
        outcome = ("succeeded", "Completed") if ok else ("failed", "BudgetExceeded")
        said = {"outcome": outcome[0], "reason": outcome[1], "message": f"pushed {self.branch}.", "usage": USAGE}
        end = json.dumps({**said, "branch": self.branch, "commit": commit, **fields})
        job_event(self.world, self.world.job_ends(self.run().status.job_name or "", end, ok=ok))

    def succeeds(self, commit: str | None = FIRST, **fields: Any) -> None:
        self.works()
        self.ends(commit, **fields)

    def asks(self, **spec: Any) -> None:
        """Change the run's spec."""
        raw = self.world.kubelet.patch(RUNS[self.made.kind], NAMESPACE, self.made.name, {"spec": spec})
        run_event(self.world, raw)

    def deletes(self) -> None:
        self.world.kubelet.delete(RUNS[self.made.kind], NAMESPACE, self.made.name, self.made.uid)

    # State of GitHub

    def comments(self) -> list[Object]:
        """Return our comments about the run."""
        return [
            dict(each)
            for each in comment.select_own(self.shop.comments.values(), self.made.uid, str(self.github.app.id))
        ]

    def comment(self) -> str:
        """Return the text of the only comment."""
        (found,) = self.comments()
        return str(found["body"])

    def checks(self) -> dict[str, tuple[str, str | None]]:
        """Return status and conclusion of the check run by commit."""
        found = {(each["head_sha"], each["status"], each["conclusion"]) for each in self.shop.checks.values()}
        assert len({commit for commit, *_ in found}) == len(found), "all check runs of a commit agree"
        return {commit: (status, conclusion) for commit, status, conclusion in found}

    def wrote(self) -> list[str]:
        """Return the writes to GitHub so far, without tokens and repository names."""
        calls = [each for each in self.github.calls if each.method != "GET" and "access_tokens" not in each.path]
        return [str(each).replace("/repos/acme/shop", "") for each in calls]

    def asked(self) -> int:
        """Return the number of calls to GitHub so far."""
        return len(self.github.calls)

    def without_github(self) -> Dependencies:
        return replace(self.services(), github=None)

    def check_reported(self, checks: int = 1) -> None:
        """Assert that comment, pull request and check exist once and are current, with at most `checks` check runs."""
        run = self.run()
        assert self.comment() == comment.text(run)
        pulls = [each for each in self.shop.pulls.values() if each["head"]["ref"] == self.branch]
        assert [each["html_url"] for each in pulls] == [run.status.pull_request_url]
        assert self.checks() == {FIRST: ("completed", "success")}
        assert len(self.shop.checks) <= checks
        asked = self.asked()
        self.world.calls.calls.clear()
        assert self.report() == 204
        assert (self.asked(), self.world.calls.calls) == (asked, []), "the sync is recorded"


def stopped_report(reporting: ReportBench, raw: Any, at: int) -> Actor:
    """Return a report of `raw`, stopped before its call number `at` (0-based), if there is one."""
    slow = Actor(reporting.both, lambda transport: reporting.report(raw, reporting.services(transport)))
    for _ in range(at):
        if not slow.ended:
            slow.step()
    return slow


def run_to_end(slow: Actor) -> None:
    """Run the stopped report to its end."""
    while not slow.ended:
        slow.step()
    assert slow.error is None
