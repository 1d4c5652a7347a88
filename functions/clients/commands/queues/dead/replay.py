"""Deliver dead letters once more; each is removed only after it was published."""

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
def command(topic: str, ids: Sequence[str], every: bool) -> None:
    """Replay the selected dead letters."""
    with as_command_error(DeadLetterError):
        letters = connect(load_settings(starts_containers=False))
        wanted = selected_ids(letters, topic, ids, every=every)
        print_result("replayed", wanted, letters.replay(topic, wanted))
