"""The command that submits the request of a run again. Pure."""

import shlex
from collections.abc import Iterator

from functions.runs.model.run import Run

_NOT_OPTIONS = frozenset({"task_id", "task_title", "task", "cancel", "env", "resources"})
_OF_RETRIES = frozenset({"context_version", "continue_session", "prompt_modification", "prompt_mode"})


def submit_command(run: Run) -> str:
    """Return the command line, quoted for a shell, with the fields of the valid spec that differ from their defaults.

    `left_out` names the fields that are missing. A task that is no issue of the run's own repository becomes a prompt:
    its title if that is all, else a placeholder.
    """
    return shlex.join(
        ["orchestrator", "task", run.kind.word, *(run.spec.task_arguments if run.spec else ()), *_options(run)]
    )


def left_out(run: Run) -> str:
    """Return the fields of the run that the command leaves out, such as `env and resources`; empty without any.

    Environment variables may be secret.
    """
    left = {"env": run.spec.env, "resources": run.spec.resources} if run.spec else {}
    return " and ".join(name for name, value in left.items() if value)


def _options(run: Run) -> Iterator[str]:
    for name, field in type(run.spec).model_fields.items() if run.spec else ():
        value = getattr(run.spec, name)
        if name not in _NOT_OPTIONS | _OF_RETRIES and value not in (None, field.default):
            for each in value if isinstance(value, list) else [value]:
                yield from (f"--{name.replace('_', '-')}", str(each))
