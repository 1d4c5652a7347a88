"""Take the pictures of the console in docs/ from the real pages: `python -m tests.console.picture` (`make picture`)."""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.console.population import working_day
from tests.console.world import World, api_server
from tests.support.api import ROOT

PICTURES = {"console.png": ("/", 760), "console-run.png": ("/runs/code/inventory-7", 1040)}
"""Path of the page and height of the picture, by file."""
WIDTH = 1200


def write(folder: Path) -> None:
    """Write the pictures of a working day."""
    with tempfile.TemporaryDirectory() as state, api_server(Path(state)) as found, sync_playwright() as playwright:
        world = World(found, "orchestrator")
        working_day(world)
        url = world.console()
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(reduced_motion="reduce")
        for name, (path, height) in PICTURES.items():
            page.set_viewport_size({"width": WIDTH, "height": height})
            page.goto(f"{url}{path}")
            page.get_by_text("live", exact=True).wait_for()
            page.screenshot(path=str(folder / name))
        browser.close()
        world.stop()


if __name__ == "__main__":
    write(ROOT / "docs")
