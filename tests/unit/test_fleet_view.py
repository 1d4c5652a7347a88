"""The views of the fleet and of the week, as data."""

from datetime import timedelta
from typing import Any

import pytest

from functions.runs.admission.position import Position, positions
from functions.runs.lifecycle import transitions
from functions.runs.model.status import Obstacle
from functions.views import links
from functions.views.fleet import Filter, fleet
from functions.views.titles import title
from functions.views.weekly_usage import week
from tests.support.builders import NOW, raw_run, run


def stored(name: str, phase: str = "", **status: Any) -> dict[str, Any]:
    return raw_run(name=name, uid=f"uid-{name}", status={"phase": phase, **status} if phase else None)


def shown(runs: list[dict[str, Any]], most: int = 10, page: int = 1, **wanted: str) -> dict[str, list[str]]:
    found = fleet(runs, {}, Filter(**wanted), NOW, most=most, page=page)
    return {group.phase: [row.name for row in group.rows] for group in found.groups}


def test_runs_are_grouped_by_phase_in_the_order_of_attention() -> None:
    runs = [stored("a", "Succeeded"), stored("b", "Failed"), stored("c", "Running"), stored("d"), stored("e", "Odd")]
    assert shown(runs) == {"Running": ["c"], "Pending": ["e", "d"], "Failed": ["b"], "Succeeded": ["a"]}


def test_runs_that_wait_for_a_person_come_first_in_a_group_of_their_own() -> None:
    lacks = {"type": "Succeeded", "status": "Unknown", "reason": "MissingSecret", "lastTransitionTime": "2026-01-02"}
    runs = [stored("a", "Running"), stored("b", "Pending", conditions=[lacks]), stored("c", "Pending")]
    assert shown(runs) == {"Needs you": ["b"], "Running": ["a"], "Pending": ["c"]}
    found = fleet(runs, {}, Filter(text="no such word"), NOW, most=2)
    assert (found.total, found.unfiltered["Needs you"], found.unfiltered["Running"]) == (0, 1, 1)


def test_a_queued_run_names_the_run_that_holds_its_workspace() -> None:
    first, second = stored("a", "Running"), stored("b", "Queued")
    found = fleet([first, second], {"uid-b": Position(1, 1, "it works", holder="CodeRun a")}, Filter(), NOW, most=2)
    (queued,) = found.groups[1].rows
    assert queued.waits_for
    assert queued.waits_for.name == "a"


def test_a_search_matches_runs_that_contain_every_word() -> None:
    runs = [stored("a", "Failed", message="no such branch"), stored("b", "Failed", message="no memory")]
    assert shown(runs, text="BRANCH such") == {"Failed": ["a"]}
    assert shown(runs, text="git.example") == {}
    assert shown(runs, text="SHOP task") == {"Failed": ["b", "a"]}


def test_counts_ignore_the_phase_filter_and_pages_follow_each_other() -> None:
    runs = [stored(f"r{number}", "Failed") for number in range(5)] + [stored("ok", "Succeeded")]
    found = fleet(runs, {}, Filter(phase="Failed"), NOW, most=2, page=3)
    assert [[row.name for row in group.rows] for group in found.groups] == [["r0"]]
    assert found.counts == {"Failed": 5, "Succeeded": 1}


def test_queued_runs_stand_in_the_order_of_the_queue() -> None:
    older, urgent = run(uid="1", name="older"), run(spec={"priority": 5}, uid="2", name="urgent")
    queued = [
        each.with_status(transitions.queued(each, Obstacle(message="all slots are taken"), NOW))
        for each in (older, urgent)
    ]
    places = positions(queued, NOW)
    raws = [each.to_status_update(each.status) for each in queued]
    (group,) = fleet(raws, places, Filter(), NOW, most=10).groups
    assert [(row.name, str(row.position)) for row in group.rows] == [("urgent", "1 of 2"), ("older", "2 of 2")]
    assert places["1"].waits_for == "all slots are taken"


def test_a_week_counts_ends_and_cost_by_day() -> None:
    def ended(name: str, phase: str, days: float, cost: float) -> dict[str, Any]:
        moment = (NOW - timedelta(days=days)).isoformat()
        return stored(name, phase, finishedAt=moment, usage={"costUsd": cost})

    unfinished = stored("at-work", "Running", lastUpdate=NOW.isoformat(), usage={"costUsd": 0.25})
    runs = [ended("a", "Succeeded", 0, 1.0), ended("b", "Failed", 1, 2.0), ended("c", "Failed", 7, 9.0), unfinished]
    found = week(runs, NOW)
    assert [(day.outcomes.total(), day.cost) for day in found.days] == [(0, 0.0)] * 5 + [(1, 2.0), (1, 1.25)]
    assert (found.cost, dict(found.outcomes)) == (3.25, {"Failed": 1, "Succeeded": 1})


@pytest.mark.parametrize(
    ("spec", "called"),
    [
        ({}, "Task 3 of api"),
        ({"task": {"title": "Mend\nthe door"}}, "Mend the door"),
        ({"taskId": None, "service": None}, "Task ? of shop"),
    ],
)
def test_the_title_of_a_run_names_its_task(spec: dict[str, Any], called: str) -> None:
    found = raw_run()
    found["spec"] |= spec
    assert title(found) == called


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://github.com/acme/shop.git", "https://github.com/acme/shop"),
        ("git@github.com:acme/shop.git", "https://github.com/acme/shop"),
        ("ssh://git@ghe.corp.test:2222/acme/shop", "https://ghe.corp.test/acme/shop"),
        ("https://git.example.invalid/acme/shop.git", ""),
        ("javascript:alert(1)", ""),
        ('https://github.com/a"onload="x/b', ""),
    ],
)
def test_the_page_of_a_repository_is_on_its_git_host(url: str, page: str) -> None:
    assert links.repository(url) == page


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "/runs", "", "http://["])
def test_only_http_urls_become_external_links(url: str) -> None:
    assert links.external(url) == ""
