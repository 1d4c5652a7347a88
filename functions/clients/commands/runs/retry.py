"""Try a code run again that is finished or waits for a fix, in its workspace and session."""

from pathlib import Path

import click

from functions.clients.errors import WrongUsage
from functions.clients.options import output_option
from functions.clients.output import Output
from functions.clients.runs import lookup, requests, retry_message
from functions.clients.runs.target import ClusterTarget
from functions.clients.target_options import name_argument, with_target_options

FILE = click.Path(path_type=Path)


@click.command(help=__doc__)
@name_argument
@click.option("-m", "--message", help="Words added to the agent's prompt.")
@click.option("--message-file", metavar="FILE", type=FILE, help="The same from a file; - is standard input.")
@click.option("--replace", is_flag=True, help="Use these words alone, in place of the task's prompt.")
@output_option
@with_target_options
def command(
    target: ClusterTarget, name: str, message: str | None, message_file: Path | None, replace: bool, output: Output
) -> None:
    """Ask for another attempt."""
    words = retry_message.from_options(message, message_file)
    if replace and words is None:
        raise WrongUsage("--replace: give the new prompt with --message or --message-file")
    run = requests.retry(target, lookup.find(target, name), words, replace=replace)
    requests.confirm(run, f"is asked to try again (contextVersion {requests.context_version(run)})", output)
