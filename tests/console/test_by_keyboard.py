"""Every function of the console works by keyboard, and without scripts."""

from playwright.sync_api import Page, expect

from functions.cluster.kinds import CODE_RUN, DOCS_RUN
from tests.console.conftest import Visit
from tests.console.population import running, working_day
from tests.console.world import World, ago, attempt, status

OVER = attempt(1, "job-1", ago(minutes=9), ago(minutes=4), "AgentError", "it gave up")
FAILED = status("AgentError", "it gave up", succeeded="False", attempts=[OVER])


def tab_to(page: Page, text: str) -> None:
    """Press Tab until the element with that text or label has a visible focus."""
    script = "e => [e.innerText, e.labels?.[0]?.innerText, e.name].join(' ')"
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate_handle("document.activeElement")
        if text in str(focused.evaluate(script)):
            assert focused.evaluate("e => getComputedStyle(e).outlineStyle") != "none", f"{text} shows no focus"
            return
    raise AssertionError(f"Tab does not lead to {text}")


def test_a_failed_run_is_found_and_retried_by_keyboard(world: World, visit: Visit) -> None:
    world.put("api-1", status=FAILED)
    world.put("api-2", taskId=9)
    url = world.console()
    page = visit().sees(url)
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
    tab_to(page, "Search")
    page.keyboard.type("gave up")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{url}/?q=gave+up&kind=")
    expect(page.locator("#runs")).not_to_contain_text("Task 9")
    tab_to(page, "Task 3 of api")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Task 3 of api")
    tab_to(page, "Retry")
    page.keyboard.press("Enter")
    tab_to(page, "Words for the agent")
    page.keyboard.type("Use the new API")
    tab_to(page, "Try again")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Another attempt is requested.")).to_be_visible()
    spec = world.cluster.get(CODE_RUN, world.namespace, "api-1")["spec"]
    assert (spec["contextVersion"], spec["promptModification"], spec["promptMode"]) == (2, "Use the new API", "append")


def test_a_transcript_is_opened_by_keyboard(world: World, visit: Visit) -> None:
    running(world)
    page = visit().sees(f"{world.console()}/runs/code/inventory-7")
    tab_to(page, "pytest -q failed")
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 failed, 11 passed")).to_be_visible()


def test_every_page_works_without_scripts(world: World, visit: Visit) -> None:
    working_day(world)
    visitor = visit(java_script_enabled=False)
    page = visitor.sees(world.console(), "no-script-fleet")
    assert "Without scripts this page does not update itself" in page.content()
    page.get_by_label("Service").select_option("payments")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="Task 3: Refund a payment that was captured twice").click()
    expect(page.locator("main")).to_contain_text("Secret claude-api-key has no key api-key")
    visitor.keeps("no-script-run")
    page.locator("summary", has_text="Cancel").click()
    page.get_by_role("button", name="Cancel this run").click()
    expect(page.get_by_text("The run is asked to stop.")).to_be_visible()
    assert world.cluster.get(CODE_RUN, world.namespace, "payments-3")["spec"]["cancel"] is True
    expect(page.locator("#actions details")).to_have_count(0)


def test_a_retry_can_replace_the_prompt(world: World, visit: Visit) -> None:
    world.put("api-1", status=FAILED)
    page = visit().sees(f"{world.console()}/runs/code/api-1")
    page.locator("summary", has_text="Retry").click()
    page.get_by_label("Words for the agent").fill("Only this:\n- one\n- two")
    page.get_by_label("Use these words alone").check()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Another attempt is requested.")).to_be_visible()
    spec = world.cluster.get(CODE_RUN, world.namespace, "api-1")["spec"]
    assert (spec["promptModification"], spec["promptMode"]) == ("Only this:\n- one\n- two", "replace")


def test_a_docs_run_offers_no_retry(world: World, visit: Visit) -> None:
    world.put("docs-1", "DocsRun", status=FAILED)
    page = visit().sees(f"{world.console()}/runs/docs/docs-1")
    expect(page.locator("#summary")).to_contain_text("submit it again with: orchestrator task docs")
    assert page.locator("#actions details").count() == 0
    assert world.cluster.get(DOCS_RUN, world.namespace, "docs-1")["spec"]["cancel"] is False


def test_filters_are_part_of_the_address(world: World, visit: Visit) -> None:
    working_day(world)
    url = world.console()
    page = visit().sees(f"{url}/?repository=acme%2Fstorefront&phase=succeeded")
    titles = page.locator("#runs h3").all_inner_texts()
    assert titles == [
        "Task 21: Cache the front page for a minute",
        "Task 24: Remember the basket of a guest",
        "Task 27: Sort search results by price",
        "Document acme/storefront",
        "Task 33: Drop the unused address form",
    ]
    page.get_by_role("link", name="All 6").click()
    expect(page.locator("#runs")).to_contain_text("Task 12: Show delivery dates")
