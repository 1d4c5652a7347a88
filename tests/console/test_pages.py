"""Every page in every state, in a real Chromium: light, dark and 320 px wide, without findings of axe-core.

| page  | states                                                                                     |
|-------|--------------------------------------------------------------------------------------------|
| fleet | empty, one, many, 1,000, no match, no rights, API server down                              |
| run   | pending, queued, running, retrying, failed, cancelled, succeeded, missing rights           |
| other | task files, diff, no such run                                                              |

A screenshot of each is written to SCREENSHOTS.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.console.agent_stream import session_of_an_agent
from tests.console.conftest import Visit, overflow, violations
from tests.console.population import usage, working_day
from tests.console.refusing import crowded, gone, without_rights
from tests.console.world import World, ago, attempt, status

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 320, "height": 700}},
}
BUILT: dict[str, str] = {}


def page_is_good(visit: Visit, axe: str, url: str, name: str, look: str, contains: str) -> Page:
    visitor = visit(**LOOKS[look])
    page = visitor.sees(url)
    expect(page.locator("main")).to_contain_text(contains)
    visitor.keeps(f"{name}-{look}")
    assert violations(page, axe) == []
    assert overflow(page) == []
    return page


def url_of(name: str, build: Callable[[], str]) -> str:
    return BUILT[name] if name in BUILT else BUILT.setdefault(name, build())


def one(world: World) -> str:
    world.put("api-1")
    return world.console()


def many(world: World) -> str:
    working_day(world)
    return world.console()


def no_match(world: World) -> str:
    world.put("api-1")
    return f"{world.console()}/?q=nothing+like+it&phase=failed"


FLEETS: dict[str, tuple[Callable[[World], str], str]] = {
    "empty": (lambda world: world.console(), "No runs yet"),
    "one": (one, "Task 3 of api"),
    "many": (many, "1 of 2 in the queue: all 2 runs of the installation are at work"),
    "thousand": (lambda world: world.console(cluster=crowded(world.cluster, 1_000)), "All 250 succeeded runs"),
    "no-match": (no_match, "No run matches"),
    "no-rights": (lambda world: world.console(cluster=without_rights(world.cluster)), "You may not see this"),
    "gone": (lambda world: world.console(cluster=gone(world.cluster)), "The cluster does not answer"),
}


@pytest.fixture(scope="module")
def kept_world(api: Any) -> Iterator[Callable[[], World]]:
    """Yield a function that makes worlds for the module, so that each state is built once for three looks."""
    made: list[World] = []

    def make() -> World:
        made.append(World(api))
        return made[-1]

    yield make
    for world in made:
        world.stop()


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("state", FLEETS)
def test_the_fleet_page_is_accessible_in_every_state(
    state: str, look: str, kept_world: Callable[[], World], visit: Visit, axe: str
) -> None:
    build, contains = FLEETS[state]
    url = url_of(f"fleet-{state}", lambda: build(kept_world()))
    page_is_good(visit, axe, url, f"fleet-{state}", look, contains)


STARTED, ENDED = ago(minutes=20), ago(minutes=4)
OVER = attempt(1, "job-1", STARTED, ENDED, "OutOfMemory", "the container needed more than 4Gi")
DONE = attempt(1, "job-1", STARTED, ENDED, "Completed", "the agent is done")
MERGED = {
    "type": "PullRequestMerged",
    "status": "True",
    "reason": "Merged",
    "message": "",
    "lastTransitionTime": "2026-01-02T03:04:05Z",
}


CHECKS = {"commit": "c" * 40, "passed": 2, "failed": 1, "running": 0, "failures": ["lint"]}


def succeeded() -> dict[str, Any]:
    url = "https://github.com/acme/shop/pull/7"
    found = status("Completed", "the agent is done", succeeded="True", attempts=[DONE], branch="agents/api-1-3f2b8")
    return found | {
        "conditions": [*found["conditions"], MERGED],
        "pullRequestUrl": url,
        "checks": CHECKS,
        "usage": usage(1.5),
    }


RUNS: dict[str, tuple[dict[str, Any] | None, str]] = {
    "pending": (None, "No attempt has begun"),
    "queued": (status("Queued", "service api has 1 of 1 runs at work"), "1 of 1: service api has 1 of 1"),
    "running": (status("Running", "the agent works", attempts=[attempt(1, "job-1", STARTED)]), "Two tests fail"),
    "retrying": (status("Retrying", "the next attempt starts soon", attempts=[OVER]), "Attempt 1 ended: OutOfMemory"),
    "failed": (status("OutOfMemory", "raise the memory", succeeded="False", attempts=[OVER]), "Failed: OutOfMemory"),
    "cancelled": (status("Cancelled", "by octocat", succeeded="False", attempts=[OVER]), "Cancelled"),
    "succeeded": (succeeded(), "merged"),
}


def run_in(world: World, state: str) -> str:
    found, _ = RUNS[state]
    made = world.put("api-1", status=found, repositoryUrl="https://github.com/acme/shop.git")
    if found and "jobName" in found:
        running = state == "running"
        lines = session_of_an_agent()[: -2 if running else None]
        world.pod("job-1", *lines, phase="Running" if running else "Succeeded")
        world.event(made, "Starting", "attempt 1 starts", STARTED)
    return f"{world.console()}/runs/code/api-1"


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("state", RUNS)
def test_the_run_page_is_accessible_in_every_state(
    state: str, look: str, kept_world: Callable[[], World], visit: Visit, axe: str
) -> None:
    url = url_of(f"run-{state}", lambda: run_in(kept_world(), state))
    page_is_good(visit, axe, url, f"run-{state}", look, RUNS[state][1])


def files(world: World) -> str:
    world.put("api-1", status=status("Running", attempts=[attempt(1, "job-1", STARTED)], configMapName="files-1"))
    world.task_files("files-1", {"prompt.md": "# Take items out\n", "container.sh": "#!/bin/bash\n" + "x\n" * 5_000})
    return f"{world.console()}/runs/code/api-1/files"


DIFF = """diff --git a/inventory/stock.py b/inventory/stock.py
--- a/inventory/stock.py
+++ b/inventory/stock.py
@@ -1,3 +1,3 @@ class Stock:
     def remove(self, item: str, count: int) -> None:
-        self._counts[item] -= count
+        self._counts[item] = self._checked(item, count)
"""


def diff(world: World) -> str:
    world.put("api-1", status=succeeded())
    return f"{world.console(diff=lambda _: DIFF)}/runs/code/api-1/diff"


def without_events(world: World) -> str:
    world.put("api-1", status=status("Running", attempts=[attempt(1, "job-1", STARTED)]))
    few = without_rights(world.cluster, "/events", "/pods", "/configmaps")
    return f"{world.console(cluster=few)}/runs/code/api-1"


OTHERS: dict[str, tuple[Callable[[World], str], str]] = {
    "files": (files, "container.sh"),
    "diff": (diff, "self._checked(item, count)"),
    "few-rights": (without_events, "The agent's output is not shown"),
    "missing": (lambda world: f"{world.console()}/runs/code/nope", "There is no CodeRun 'nope'"),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", OTHERS)
def test_the_other_pages_are_accessible(
    name: str, look: str, kept_world: Callable[[], World], visit: Visit, axe: str
) -> None:
    build, contains = OTHERS[name]
    page = page_is_good(visit, axe, url_of(name, lambda: build(kept_world())), name, look, contains)
    for summary in page.locator("details:not([open]) > summary").all():
        if summary.is_visible():
            summary.click()
    assert violations(page, axe) == []
    assert overflow(page) == []
