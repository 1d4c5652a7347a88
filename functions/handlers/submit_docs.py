"""The submit_docs function: creates a DocsRun from a request."""

from functions.runs.model.kinds import RunKind
from functions.serving.dependencies import Dependencies
from functions.serving.http import Answer, Request
from functions.submission.submit import submit


def handle(deps: Dependencies, request: Request) -> Answer:
    """Answer 201 with the new run, or 200 with the run of an earlier request with the same key."""
    return submit(deps, RunKind.DOCS, request)
