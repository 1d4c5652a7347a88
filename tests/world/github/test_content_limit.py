"""GitHub's secondary limit: 80 content-creating requests a minute and 500 an hour."""

from datetime import UTC, datetime, timedelta

import pytest

from functions.cluster.kinds import RUNS
from functions.github.content_budget import ContentBudget, Share, parse
from functions.manifests import run as manifest
from functions.runs.lifecycle import states
from functions.runs.model import origin
from functions.runs.model.run import Run
from functions.runs.model.specs import SPECS
from tests.github.delivery_bench import DeliveryBench
from tests.github.report_bench import ReportBench
from tests.support.builders import CODE_SPEC

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def now(bench: DeliveryBench, run: Run) -> Run:
    return bench.services.runs.get(run.kind, run.namespace, run.name)


def until_acknowledged(bench: DeliveryBench, runs: list[Run]) -> None:
    """Deliver the event of each run until it is acknowledged."""
    waiting = runs
    for _ in range(240):
        waiting = [run for run in waiting if bench.report(run) != 204]
        if not waiting:
            return
        bench.clock.later(minutes=3)
    raise AssertionError(f"{len(waiting)} runs were never reported")


def test_end_of_100_runs_is_reported_within_the_limit(bench: DeliveryBench) -> None:
    limits = bench.github.troubles.limits
    limits.per_minute, limits.per_hour = 80, 500
    host = f"https://{bench.github.url.partition('//')[2]}"
    for at in range(100):
        where = origin.Origin("acme/shop", bench.issue(), "octocat", "", bench.shop.id)
        spec = SPECS["CodeRun"].model_validate({**CODE_SPEC, "repositoryUrl": f"{host}/acme/shop.git"})
        made = manifest.run(spec, bench.world.namespace, f"run-{at}", origin.to_annotations(where))
        bench.world.kubelet.create(RUNS["CodeRun"], made)
    until_acknowledged(bench, [bench.begins(run) for run in bench.runs()])
    runs = [bench.ends(run, commit=f"{at:040x}") for at, run in enumerate(bench.runs(), 1)]
    for run in runs:
        bench.shop.branches[run.status.branch or ""] = run.status.attempts[-1].commit or ""
    until_acknowledged(bench, runs)
    assert limits.refused == 0
    assert limits.most_per_hour <= 500
    assert len(bench.shop.pulls) == 100
    assert sum("**Succeeded**" in comment["body"] for comment in bench.shop.comments.values()) == 100
    assert [check["conclusion"] for check in bench.shop.checks.values()] == ["success"] * 100
    assert all(states.state(run.status) in states.FINISHED for run in bench.runs())


def test_progress_is_reported_every_ten_minutes(reporting: ReportBench) -> None:
    reporting.works()
    reporting.report()
    edits = []
    for _ in range(65):
        reporting.world.later(minutes=1)
        before = len(reporting.github.asked("PATCH .*/comments/"))
        reporting.sweep()
        edits.append(len(reporting.github.asked("PATCH .*/comments/")) - before)
    assert sum(edits) == 6
    assert "At work for 1h" in reporting.comment()
    reporting.ends()
    reporting.report()
    assert "At work for" not in reporting.comment()


def test_progress_waits_when_the_end_of_a_run_needs_the_budget(reporting: ReportBench) -> None:
    reporting.works()
    reporting.report()
    full = ContentBudget({NOW.replace(second=0).isoformat(): 40})
    assert full.seconds_to_wait(3, Share.PROGRESS, NOW) > 0
    assert full.seconds_to_wait(3, Share.END, NOW) == 0


@pytest.mark.parametrize("text", ["", "[]", "{", '{"x": 1}', '{"2026-01-02T03:04:00+00:00": "many"}'])
def test_unreadable_budget_counts_as_unused(text: str) -> None:
    assert parse(text) == ContentBudget()


def test_requests_older_than_an_hour_do_not_count() -> None:
    used = ContentBudget().with_use(400, NOW)
    assert used.seconds_to_wait(100, Share.END, NOW + timedelta(minutes=30)) > 0
    assert used.seconds_to_wait(72, Share.END, NOW + timedelta(minutes=62)) == 0
    assert len(used.with_use(1, NOW + timedelta(hours=2)).used) == 1
