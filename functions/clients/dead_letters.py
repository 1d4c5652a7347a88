"""`orchestrator queues dead`: what was delivered in vain until the last attempt."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from functions.clients.click_helpers import Group
from functions.clients.configured import settings
from functions.clients.errors import CommandError, as_command_error
from functions.clients.options import output_option
from functions.clients.output import Output, columns, write

if TYPE_CHECKING:
    from functions.queues.dead_letters import DeadLetter, DeadLetterQueue, RunKey
    from functions.settings import Settings

app = Group("dead", help="Dead letters: what was delivered in vain.")


def _known(_context: click.Context, _parameter: click.Parameter, topic: str | None) -> str | None:
    from functions.queues.topology import TOPICS

    if topic is not None and topic not in TOPICS:
        raise click.BadParameter(f"{topic!r}: the topics are {', '.join(TOPICS)}")
    return topic


topic_argument = click.argument("topic", callback=_known, help="The topic it was published on.")
ids_argument = click.argument("ids", nargs=-1, metavar="[ID]...", help="As `list` shows them.")
all_option = click.option("--all", "every", is_flag=True, help="Every dead letter of the topic.")


@app.command("list")
@click.argument("topic", required=False, callback=_known, help="Only those of this topic.")
@output_option
def list_letters(topic: str | None, output: Output) -> None:
    """List dead letters, each with its run and that run's last reason; else the message id to search the logs for."""
    from functions.queues.dead_letters import DeadLetterError
    from functions.queues.topology import TOPICS

    given = settings()
    with as_command_error(DeadLetterError):
        found = [each for name in ([topic] if topic else TOPICS) for each in _letters(given).list(name)]
    _write(found, _Reasons(given), output)


@app.command()
@topic_argument
@ids_argument
@all_option
def replay(topic: str, ids: Sequence[str], every: bool) -> None:
    """Deliver dead letters once more; each is removed only after it was published."""
    from functions.queues.dead_letters import DeadLetterError

    with as_command_error(DeadLetterError):
        letters = _letters(settings())
        _tell("replayed", wanted := _wanted(letters, topic, ids, every), letters.replay(topic, wanted))


@app.command()
@topic_argument
@ids_argument
@all_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(topic: str, ids: Sequence[str], every: bool, yes: bool) -> None:
    """Forget dead letters for good."""
    from functions.queues.dead_letters import DeadLetterError

    with as_command_error(DeadLetterError):
        letters = _letters(settings())
        wanted = _wanted(letters, topic, ids, every)
        if wanted and not yes:
            click.confirm(f"Forget {len(wanted)} dead letters of {topic} for good?", abort=True)
        _tell("dropped", wanted, letters.drop(topic, wanted))


def _letters(settings: "Settings") -> "DeadLetterQueue":
    from functions.queues import backends  # not for --help

    return backends.dead_letters(settings.queues)


def _wanted(letters: "DeadLetterQueue", topic: str, ids: Sequence[str], every: bool) -> list[str]:
    if bool(ids) == every:
        raise click.BadParameter("name the letters by their ids, or give --all", param_hint="ID...")
    return [each.id for each in letters.list(topic)] if every else list(ids)


def _tell(done: str, wanted: Sequence[str], found: Sequence[str]) -> None:
    for each in found:
        print(f"{done} {each}")
    lost = [each for each in wanted if each not in found]
    if lost:
        raise CommandError(f"not there: {', '.join(lost)}")


class _Reasons:
    """The last reason of runs, read from the cluster with the caller's own rights."""

    def __init__(self, settings: "Settings") -> None:
        from functions.cluster.client import Cluster
        from functions.cluster.kubernetes_transport import KubernetesTransport

        self._cluster = Cluster(KubernetesTransport(settings.cluster))

    def of(self, key: "RunKey") -> str:
        """The run's last reason in words for people."""
        from functions.cluster.errors import ClusterError, NotFound
        from functions.cluster.kinds import RUNS
        from functions.runs.model.run import parse

        for kind in [RUNS[key.kind]] if key.kind else RUNS.values():
            try:
                succeeded = parse(self._cluster.get(kind, key.namespace, key.name)).status.succeeded
            except NotFound:
                continue
            except ClusterError as error:
                return f"unknown: {error}"
            return succeeded.reason if succeeded else "none yet"
        return "gone"


def _write(letters: Sequence["DeadLetter"], reasons: _Reasons, output: Output) -> None:
    found = [
        {
            "topic": each.topic,
            "id": each.id,
            "event": each.event_id,
            "type": each.event_type,
            "subscription": each.subscription,
            "attempts": each.attempts,
            "run": str(each.run) if each.run else f"search the logs for message {each.message_id}",
            "runReason": reasons.of(each.run) if each.run else "",
            "reason": each.reason,
        }
        for each in letters
    ]
    write(output, found, lambda: _table(found))


def _table(found: Sequence[Mapping[str, object]]) -> str:
    if not found:
        return "no dead letters"
    return columns([[name.upper() for name in found[0]], *(list(row.values()) for row in found)])
