"""Delete dead letters for good."""

from collections.abc import Sequence

import click

from functions.clients.dead_letters import all_option, connect, ids_argument, print_result, selected_ids, topic_argument
from functions.clients.errors import as_command_error
from functions.clients.settings import load_settings
from functions.queues.dead_letters import DeadLetterError


@click.command(help=__doc__)
@topic_argument
@ids_argument
@all_option
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def command(topic: str, ids: Sequence[str], every: bool, yes: bool) -> None:
    """Drop the selected dead letters."""
    with as_command_error(DeadLetterError):
        letters = connect(load_settings(starts_containers=False))
        wanted = selected_ids(letters, topic, ids, every=every)
        if wanted and not yes:
            letter = "dead letter" if len(wanted) == 1 else "dead letters"
            click.confirm(f"Drop {len(wanted)} {letter} of {topic} for good?", abort=True)
        print_result("dropped", wanted, letters.drop(topic, wanted))
