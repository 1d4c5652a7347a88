"""The command that submits the request of a run again. Pure."""

import shlex
from collections.abc import Iterator

from functions.runs.model.run import Run

_OF_RETRIES = frozenset({"context_version", "continue_session", "prompt_modification", "prompt_mode"})


def submit_command(run: Run) -> str:
    """Return the command line, quoted for a shell, with the fields of the valid spec that are one word or number.

    Lists are left out, and so are environment variables, which may be secret. A prompt is read from standard input.
    """
    return shlex.join(["orchestrator", "task", run.kind.word, *_task(run), *_options(run)])


def _task(run: Run) -> list[str]:
    task = getattr(run.spec, "task", None)
    if task:
        return ["--issue", str(task.issue)] if task.issue else ["--prompt", "-"]
    task_id = getattr(run.spec, "task_id", None)
    return [str(task_id)] if task_id else []


def _options(run: Run) -> Iterator[str]:
    given = run.spec.model_fields_set - _OF_RETRIES - {"task_id", "task_title", "task", "cancel"} if run.spec else ()
    for name in sorted(given):
        value = getattr(run.spec, name)
        if isinstance(value, str | int | float):
            yield from (f"--{name.replace('_', '-')}", str(value))
