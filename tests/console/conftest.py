"""A real Chromium for the console's pages, and axe-core, which checks accessibility."""

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.console.world import ApiServer, World, api_server
from tests.support.api import ROOT

AXE = ROOT / ".parts" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
SHOTS = Path(os.environ.get("SCREENSHOTS") or Path(tempfile.gettempdir()) / "orchestrator-screenshots")
"""The directory of the screenshots that tests write."""
SECONDS = 60.0
"""The limit of every wait for a page, for loaded machines."""


expect.set_options(timeout=SECONDS * 1000)


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with api_server(tmp_path_factory.mktemp("api")) as found:
        yield found


@pytest.fixture
def world(api: ApiServer) -> Iterator[World]:
    found = World(api)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def chromium(program: Callable[[str, str], str]) -> Iterator[Browser]:
    """Yield a browser, closed after each module: while Playwright runs, other tests cannot start an event loop."""
    path = program("chromium", "Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@dataclass
class Visitor:
    """A browser with one page, and the errors of its scripts."""

    page: Page
    complaints: list[str]

    def sees(self, url: str, shot: str = "") -> Page:
        """Open an address, take a screenshot and return the page."""
        self.page.goto(url)
        self.keeps(shot)
        return self.page

    def keeps(self, shot: str) -> None:
        if shot:
            SHOTS.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(SHOTS / f"{shot}.png"), full_page=True)


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """Yield a function that opens a browser context with Playwright's options; script errors fail the test."""
    opened: list[tuple[BrowserContext, list[str]]] = []

    def begin(**options: Any) -> Visitor:
        context = chromium.new_context(**options)
        context.set_default_timeout(SECONDS * 1000)
        complaints: list[str] = []
        opened.append((context, complaints))
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.on(
            "console", lambda message: complaints.append(message.text) if "Content Security" in message.text else None
        )
        return Visitor(page, complaints)

    yield begin
    for context, _ in opened:
        context.close()
    assert [each for _, complaints in opened for each in complaints] == []


@pytest.fixture(scope="session")
def axe() -> str:
    """Return the source of axe-core."""
    if AXE.is_file():
        return AXE.read_text()
    message = f"axe-core is not installed in {AXE.parent}: make parts"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def violations(page: Page, axe: str) -> list[str]:
    """Return the findings of axe-core on a page, a line for each element."""
    page.evaluate(axe)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    return [f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


def overflow(page: Page) -> list[str]:
    """Return the elements wider than the window, which would need sideways scrolling."""
    return list(
        page.evaluate(
            """() => document.documentElement.scrollWidth <= window.innerWidth ? [] :
            [...document.querySelectorAll('body *')]
            .filter((e) => e.getBoundingClientRect().right > window.innerWidth + 1)
            .map((e) => e.outerHTML.slice(0, 120))"""
        )
    )
