"""Text of agents, people and clusters is shown as text, whatever its content."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from functions.console import foreign_text
from tests.console.agent_stream import called, finished, said, session, thought
from tests.console.conftest import Visit, overflow
from tests.console.world import World, ago, attempt, status

HTML = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"
"""HTML that changes the title if a browser executes it."""
ANSI = "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07 \x1b[2Jgone"
LINKS = f"[click](javascript:document.title='pwned') [data](data:text/html,x) ![i](https://evil.example/x.png) {HTML}"
HUGE = "x" * 3_000_000


def hostile() -> Iterator[str]:
    yield HTML
    yield ANSI
    yield session(HTML)
    yield said(f"# Heading\n\n{LINKS}\n\n```html\n{HTML}\n```\n\n| a | b |\n|---|---|\n| {HTML} | `{HTML}` |")
    yield thought(LINKS)
    yield from called(HTML, HTML, failed=True, command=HTML)
    yield from called("Edit", HTML, file_path=HTML, old_string=HTML, new_string=f"{HTML}\n{ANSI}")
    yield from called("Bash", HUGE, command=HUGE)
    yield said(HUGE)
    yield said("> " * 5_000 + "[" * 5_000)
    yield json.dumps({"type": "error", "message": HTML})
    yield finished(LINKS, failed=True)


def test_hostile_output_of_an_agent_is_shown_as_text(world: World, visit: Visit) -> None:
    made = world.put(
        "api-1",
        promptModification=HTML,
        env=[{"name": "TOKEN", "value": "of-a-secret"}],
        status=status(
            "Running",
            f"{HTML}{ANSI}",
            attempts=[attempt(1, "job-1", ago(minutes=2), ago(minutes=1), HTML, HTML), attempt(2, "job-2", ago())],
            branch=f"agents/{HTML}",
            pullRequestUrl="javascript:document.title='pwned'",
            model=HTML,
            summary=f"{LINKS}{ANSI}",
            checks={"commit": "c" * 40, "failed": 1, "failures": [f"{HTML}{ANSI}"]},
            configMapName="files",
        ),
    )
    world.event(made, HTML, f"{HTML}{ANSI}", ago(minutes=1))
    world.task_files("files", {"prompt.md": HTML})
    pod = world.pod("job-2", *hostile())
    visitor = visit(viewport={"width": 320, "height": 700})
    page = visitor.sees(f"{world.console(diff=lambda _: _diff())}/runs/code/api-1", "hostile")
    expect(page.locator("#agent-summary")).to_contain_text("[click](javascript:")
    expect(page.locator("#facts")).to_contain_text("1 failed (<img src=x")
    expect(page.locator("#items")).to_contain_text("<script>document.title='pwned'</script>")
    world.writes(pod, said(f"live {LINKS}"))
    expect(page.locator("#items li").last).to_contain_text("live [click](javascript:")
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    text = page.locator("main").inner_text()
    assert "red link gone" in text
    assert "\x1b" not in text
    assert "[31m" not in text
    assert "more characters are in the log" in text
    assert "of-a-secret" not in page.content()
    assert overflow(page) == []
    hrefs = page.evaluate("[...document.querySelectorAll('a, form')].map(e => e.href || e.action)")
    assert [href for href in hrefs if not href.startswith("http")] == []
    away = "[...document.querySelectorAll('a')].filter(e => e.host !== location.host && !e.rel.includes('noopener'))"
    assert page.evaluate(f"{away}.length") == 0
    assert page.evaluate("document.querySelectorAll('main img, main script, main style, main iframe').length") == 0
    for path in ("/files", "/diff"):
        page.goto(f"{page.url.split('?')[0]}{path}")
        expect(page.locator("main")).to_contain_text(HTML[:20])
        page.goto(page.url.removesuffix(path))
    assert "pwned" not in page.title()


def _diff() -> str:
    return f"diff --git a/{HTML} b/{HTML}\n--- a/x\n+++ b/x\n@@ -1 +1 @@ {HTML}\n-{HTML}\n+{ANSI}\n"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>\n"),
        ("# Title", '<p class="heading">Title</p>\n'),
        ("[a](https://x.example/)", '<p><a href="https://x.example/" rel="noopener noreferrer nofollow">a</a></p>\n'),
        ("[a](JaVaScRiPt:x)", "<p>[a](JaVaScRiPt:x)</p>\n"),
        ("[a](/runs/code/x)", "<p>[a](/runs/code/x)</p>\n"),
        (
            "<https://x.example/>",
            '<p><a href="https://x.example/" rel="noopener noreferrer nofollow">https://x.example/</a></p>\n',
        ),
        (
            "![a](https://x.example/a.png)",
            '<p>!<a href="https://x.example/a.png" rel="noopener noreferrer nofollow">a</a></p>\n',
        ),
    ],
)
def test_markdown_becomes_safe_html(text: str, html: str) -> None:
    assert foreign_text.markdown(text) == html


def test_a_raw_log_is_served_as_plain_text(world: World, visit: Visit) -> None:
    world.put("api-1", status=status("Running", attempts=[attempt(1, "job-1", ago())]))
    world.pod("job-1", HTML)
    page = visit().sees(f"{world.console()}/runs/code/api-1/log")
    assert page.locator("body").inner_text().strip() == HTML
