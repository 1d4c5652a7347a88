"""Attempts to render, and their task files."""

from pathlib import Path
from typing import Any

from functions.runs.model.code_run_spec import CodeRunSpec
from functions.runs.model.docs_run_spec import DocsRunSpec
from functions.runs.model.run_spec import RunSpec
from functions.templating.render import AttemptContext, TaskFiles, task_files
from tests.support.builders import CODE_SPEC, DOCS_SPEC, UID, settings


def task(kind: str = "code", *, attempt: int = 1, **changes: Any) -> AttemptContext:
    """Return an attempt of a valid run; `changes` are fields of its spec."""
    spec: RunSpec = (CodeRunSpec if kind == "code" else DocsRunSpec).model_validate(
        {**(CODE_SPEC if kind == "code" else DOCS_SPEC), **changes}
    )
    return AttemptContext(
        run="run-1",
        namespace="agents",
        uid=UID,
        attempt=attempt,
        job_name=f"{kind}-run-1-3f2b8-{attempt}",
        spec=spec,
        branch="agents/run-1-3f2b8",
        session_id=UID,
        resume=attempt > 1,
        deadline_seconds=7200,
    )


def render(kind: str = "code", *, attempt: int = 1, templates: Path | None = None, **changes: Any) -> TaskFiles:
    """Return the task files of an attempt, from the project's templates or from `templates`."""
    chosen = settings(templates=str(templates)) if templates else settings()
    return task_files(task(kind, attempt=attempt, **changes), chosen)
