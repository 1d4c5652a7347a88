"""A page updates itself: by a stream if a slot is free, otherwise by polling."""

import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from playwright.sync_api import expect

from functions.cluster.client import Cluster
from functions.cluster.errors import Unavailable
from tests.console.agent_stream import called, finished, said, session
from tests.console.conftest import SECONDS, Visit
from tests.console.population import usage
from tests.console.refusing import Between, transport
from tests.console.world import World, ago, attempt, status
from tests.support.waiting import until

STARTED = ago(minutes=1)
JOB = "code-api-1-1"
PULL = "https://github.com/acme/shop/pull/7"


def test_a_runs_page_updates_itself_from_the_queue_to_the_pull_request(world: World, visit: Visit) -> None:
    world.put("api-1", status=status("Queued", "all slots are taken"))
    visitor = visit()
    page = visitor.sees(f"{world.console()}/runs/code/api-1")
    page.evaluate("window.loaded = 'once'")
    main, items = page.locator("main"), page.locator("#items")
    expect(main).to_contain_text("all slots are taken")

    at_work = attempt(1, JOB, STARTED)
    world.becomes("api-1", "CodeRun", status("Running", "attempt 1 is running", attempts=[at_work]))
    pod = world.pod(JOB, session(), said("I begin with **the tests**."))
    expect(main).to_contain_text("attempt 1 is running")
    expect(items.locator(".message strong")).to_have_text("the tests")

    call, result = called("Bash", "2 failed", failed=True, command="pytest -q")
    world.writes(pod, call)
    expect(items.locator(".call")).to_contain_text("pytest -q …")
    items.locator("summary", has_text="pytest").click()
    world.writes(pod, result, said("Two tests fail."))
    expect(items).to_contain_text("Two tests fail.")
    expect(items.locator(".call details")).to_have_attribute("open", "")
    expect(items.locator(".call pre", has_text="2 failed")).to_be_visible()
    visitor.keeps("live")

    world.writes(pod, finished("All tests pass.", turns=3, cost=0.5))
    expect(page.locator("#totals")).to_contain_text("$0.50 so far · 3 turns")
    world.pod_is(pod, "Succeeded")
    over = attempt(1, JOB, STARTED, ago(), "Completed", "done")
    ended = status("Completed", "a pull request is open", succeeded="True", attempts=[over], usage=usage(0.5))
    world.becomes("api-1", "CodeRun", ended | {"pullRequestUrl": PULL, "branch": "agents/api-1-3f2b8"})
    expect(main).to_contain_text("Succeeded: Completed")
    expect(page.get_by_role("link", name="7", exact=True)).to_have_attribute("href", PULL)
    expect(page.locator("#live")).to_have_text("")
    assert page.evaluate("window.loaded") == "once", "the page was reloaded"
    assert items.locator("li").count() == 5, "each item is shown once"


def test_the_fleet_page_shows_new_and_changed_runs(world: World, visit: Visit) -> None:
    page = visit().sees(world.console())
    expect(page.locator("#live")).to_have_text("live")
    world.put("api-1")
    expect(page.locator("#runs")).to_contain_text("Task 3 of api")
    world.becomes("api-1", "CodeRun", status("OutOfMemory", "raise the memory", succeeded="False"))
    expect(page.locator("#runs .group", has_text="Failed")).to_contain_text("raise the memory")


def test_a_page_without_a_free_stream_polls(world: World, visit: Visit) -> None:
    world.put("api-1", status=status("Queued", "all slots are taken"))
    page = visit().sees(f"{world.console(streams=0)}/runs/code/api-1")
    expect(page.locator("#live")).to_contain_text("updated every")
    world.becomes("api-1", "CodeRun", status("Starting", "attempt 1 is starting"))
    expect(page.locator("main")).to_contain_text("attempt 1 is starting")


def test_opened_sections_stay_open_during_an_update(world: World, visit: Visit) -> None:
    world.put("api-1", status=status("Queued", "all slots are taken"))
    page = visit().sees(f"{world.console()}/runs/code/api-1")
    expect(page.locator("#live")).to_have_text("live")
    page.locator("summary", has_text="Cancel").click()
    page.locator("summary", has_text="Spec").click()
    world.becomes("api-1", "CodeRun", status("Starting", "attempt 1 is starting"))
    expect(page.locator("#summary")).to_contain_text("attempt 1 is starting")
    expect(page.get_by_role("button", name="Cancel this run")).to_be_visible()
    expect(page.locator(".spec dl")).to_be_visible()


def test_a_page_shows_an_unreachable_cluster_and_recovers(world: World, visit: Visit) -> None:
    world.put("api-1", status=status("Queued", "all slots are taken"))
    failing = Between(transport(world.cluster), error=lambda _: None)
    page = visit().sees(f"{world.console(cluster=Cluster(failing))}/runs/code/api-1")
    expect(page.locator("#live")).to_have_text("live")
    failing.error = lambda _: Unavailable("connection refused")
    expect(page.locator("#live")).not_to_have_text("live")
    failing.error = lambda _: None
    world.becomes("api-1", "CodeRun", status("Starting", "attempt 1 is starting"))
    expect(page.locator("main")).to_contain_text("attempt 1 is starting")


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_streams_are_open_than_there_are_slots(world: World, most: int) -> None:
    url = f"{world.console(streams=most)}/stream"
    hold, opened = Event(), []

    def follow() -> int:
        try:
            with urllib.request.urlopen(url, timeout=SECONDS) as response:
                opened.append(response.readline())
                hold.wait(SECONDS)
                return int(response.status)
        except urllib.error.HTTPError as error:
            hold.set()
            return error.code

    with ThreadPoolExecutor(most + 1) as pool:
        codes = sorted(pool.map(lambda _: follow(), range(most + 1)))
    assert codes == [200] * most + [429]
    assert opened == [b"retry: 1000\n"] * most


def first_line(url: str) -> bytes:
    """Return the first line of a stream, which is then closed; empty if no slot is free."""
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as response:
            return bytes(response.readline())
    except urllib.error.HTTPError:
        return b""


def test_a_stream_slot_is_freed_after_the_browser_disconnects(world: World) -> None:
    url = f"{world.console(streams=1)}/stream"
    for number in range(3):
        until(lambda: first_line(url), SECONDS, "the slot was not freed", every=0.2)
        world.put(f"api-{number}")  # the server writes to the stream and notices the closed connection
