"""Pages with the texts of a run: its task files, the log of an attempt, and the diff of its branch."""

from collections.abc import Iterator

from flask import Response, render_template, request

from functions.console import page_data, run_page
from functions.console.attempt_log import AttemptLog
from functions.console.context import Console
from functions.console.refused import Refused
from functions.views import diff as diffs
from functions.views import titles

TEXT = "text/plain; charset=utf-8"
_FIRST = ("CLAUDE.md", "AGENTS.md", "prompt.md", "task.md")
"""The task files that the agent reads first, and which are listed first."""


def page(console: Console, word: str, name: str) -> str:
    """Return the page of a run's task files, as its agent was given them."""
    run = page_data.run(console, word, name)
    files = page_data.task_files(console, run)
    found = sorted(files.found.items(), key=lambda item: (item[0] not in _FIRST, item[0]))
    documents = [item for item in found if item[0].endswith(".md")]
    agent_files = [item for item in found if item not in documents]
    return render_template(
        "files.html",
        run=run,
        title=titles.title(run.raw),
        documents=documents,
        agent_files=agent_files,
        why=files.why,
    )


def text(console: Console, word: str, name: str, file: str) -> Response:
    """Return one task file as text."""
    files = page_data.task_files(console, page_data.run(console, word, name))
    if file not in files.found:
        raise Refused(404, files.why or f"There is no task file {file!r}.")
    return Response(files.found[file], content_type=TEXT)


def log(console: Console, word: str, name: str) -> Response:
    """Return the log of an attempt as text, unchanged."""
    run = page_data.run(console, word, name)
    attempt = run_page.chosen(run, request.args.get("attempt", ""))
    log = AttemptLog(console, run, attempt.job_name if attempt else "")
    lines = log.new_lines()
    first = next(lines, None)
    if first is None:
        raise Refused(404, log.why or "The log is empty.")
    return Response(_lines(first, lines), content_type=TEXT)


def diff(console: Console, word: str, name: str) -> str:
    """Return the page that shows what the run's branch changes."""
    run = page_data.run(console, word, name)
    text = console.diff(run) if run.status.branch else None
    if text is None:
        raise Refused(404, f"There is no diff of run {run.name} here.")
    return render_template("diff.html", run=run, title=titles.title(run.raw), files=diffs.parse(text))


def _lines(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield f"{first}\n"
    for line in rest:
        yield f"{line}\n"
