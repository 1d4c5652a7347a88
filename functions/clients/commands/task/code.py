"""Implement one Task Master task.

No local files are needed. What is not given is taken from git in this directory, and shown.
"""

from typing import Any

import click

from functions.clients.options import output_option
from functions.clients.output import Output, say
from functions.clients.tasks import code, outcome_view
from functions.clients.tasks.options import REQUEST_OPTIONS, fields, spec_options
from functions.clients.tasks.request import Request
from functions.runs.model.specs import CodeRunSpec

EPILOG = """\b
Examples:
  orchestrator task code 3 -s shop
  orchestrator task code 3 -s shop --github-app 5DLabs-Rex --repository-url https://github.com/acme/shop
"""


@click.command(
    help=__doc__,
    epilog=EPILOG,
    params=[
        click.Argument(["task_id"], type=int, help="Task Master task."),
        *spec_options(CodeRunSpec, "task_id", required=("service",)),
        *REQUEST_OPTIONS,
    ],
)
@output_option
def command(
    remote: str | None,
    api_url: str | None,
    idempotency_key: str | None,
    dry_run: bool,
    output: Output,
    **given: Any,
) -> None:
    """Ask for a code run."""
    request = Request(fields(given), api_url, idempotency_key, dry_run)
    outcome_view.show(code.run(request, ".", say, remote), output)
