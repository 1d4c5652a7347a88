"""Arguments and helpers of the commands of `orchestrator queues dead`."""

from collections.abc import Sequence

import click

from functions.clients.errors import CommandError
from functions.queues import backends
from functions.queues.dead_letters import DeadLetterError, DeadLetterQueue
from functions.queues.topology import TOPICS
from functions.settings.model import Settings


def check_topic(_context: click.Context, _parameter: click.Parameter, topic: str | None) -> str | None:
    """Refuse an unknown topic; used as a callback of Click."""
    if topic is not None and topic not in TOPICS:
        raise click.BadParameter(f"{topic!r} is not a topic; use one of {', '.join(TOPICS)}")
    return topic


topic_argument = click.argument("topic", callback=check_topic, help="The topic the event was published on.")
ids_argument = click.argument("ids", nargs=-1, metavar="[ID]...", help="Ids as `list` shows them.")
all_option = click.option("--all", "every", is_flag=True, help="Every dead letter of the topic.")


def connect(settings: Settings) -> DeadLetterQueue:
    """Return the dead letters of the configured queue.

    Raises:
        CommandError: no queue is configured.
    """
    try:
        return backends.dead_letters(settings.queues)
    except DeadLetterError as error:
        raise CommandError(str(error)) from error


def selected_ids(letters: DeadLetterQueue, topic: str, ids: Sequence[str], *, every: bool) -> list[str]:
    """Return the ids that the arguments select; refuse both or neither of ids and --all."""
    if bool(ids) == every:
        raise click.BadParameter("give ids of dead letters, or --all", param_hint="ID...")
    return [letter.id for letter in letters.list(topic)] if every else list(ids)


def print_result(verb: str, wanted: Sequence[str], done: Sequence[str]) -> None:
    """Print one line for each id that was handled.

    Raises:
        CommandError: some of the wanted ids do not exist.
    """
    for letter_id in done:
        print(f"{verb} {letter_id}")
    missing = [letter_id for letter_id in wanted if letter_id not in done]
    if missing:
        raise CommandError(f"no such dead letters: {', '.join(missing)}")
