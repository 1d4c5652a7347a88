"""Document the Task Master tasks of a directory.

Copies tasks/task_NNN.txt to docs/task-N/task.txt, commits and pushes what has changed in .taskmaster (nothing else),
and asks for the docs run. What is not given is taken from git, and shown.
"""

from pathlib import Path
from typing import Any

import click

from functions.clients.options import output_option
from functions.clients.output import Output, say
from functions.clients.tasks import outcome_view, submit_docs
from functions.clients.tasks.options import REQUEST_OPTIONS, fields, option, spec_options
from functions.clients.tasks.request import Request
from functions.runs.model.docs_run_spec import DocsRunSpec

EPILOG = """\b
Example:
  orchestrator task docs -w services/shop --model opus
"""
DIRECTORY = option("Directory that holds .taskmaster.", "-w", "--working-directory", default=".", show_default=True)


@click.command(
    help=__doc__, epilog=EPILOG, params=[DIRECTORY, *spec_options(DocsRunSpec, "working_directory"), *REQUEST_OPTIONS]
)
@output_option
def command(
    working_directory: str,
    remote: str | None,
    api_url: str | None,
    idempotency_key: str | None,
    dry_run: bool,
    output: Output,
    **given: Any,
) -> None:
    """Ask for a docs run."""
    request = Request(fields(given), api_url, idempotency_key, dry_run)
    outcome_view.show(submit_docs.run(request, Path(working_directory), say, remote), output)
