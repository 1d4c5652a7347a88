"""List dead letters, each with its run and that run's last reason.

A dead letter without a run shows the message id to search the logs for.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from functions.clients.dead_letters import check_topic, connect
from functions.clients.errors import as_command_error
from functions.clients.options import output_option
from functions.clients.output import Output, columns, write
from functions.clients.settings import load_settings
from functions.cluster.client import Cluster
from functions.cluster.errors import ClusterError, NotFound
from functions.cluster.kinds import RUNS
from functions.cluster.kubernetes_transport import KubernetesTransport
from functions.queues.dead_letters import DeadLetter, DeadLetterError, RunKey
from functions.queues.topology import TOPICS
from functions.runs.model.run import parse


@click.command(help=__doc__)
@click.argument("topic", required=False, callback=check_topic, help="Only dead letters of this topic.")
@output_option
def command(topic: str | None, output: Output) -> None:
    """Print the dead letters."""
    settings = load_settings(starts_containers=False)
    with as_command_error(DeadLetterError):
        letters = [letter for name in ([topic] if topic else TOPICS) for letter in connect(settings).list(name)]
    cluster = Cluster(KubernetesTransport(settings.cluster))
    facts = [_facts(letter, cluster) for letter in letters]
    write(output, facts, lambda: _table(facts))


def _facts(letter: DeadLetter, cluster: Cluster) -> dict[str, Any]:
    return {
        "topic": letter.topic,
        "id": letter.id,
        "event": letter.event_id,
        "type": letter.event_type,
        "subscription": letter.subscription,
        "attempts": letter.attempts,
        "run": str(letter.run) if letter.run else f"search the logs for message {letter.message_id}",
        "runReason": _reason(cluster, letter.run) if letter.run else "",
        "reason": letter.reason,
    }


def _reason(cluster: Cluster, key: RunKey) -> str:
    """Return the last reason of the run, read with the caller's own rights."""
    for kind in [RUNS[key.kind]] if key.kind else RUNS.values():
        try:
            succeeded = parse(cluster.get(kind, key.namespace, key.name)).status.succeeded
        except NotFound:
            continue
        except ClusterError as error:
            return f"unknown: {error}"
        return succeeded.reason if succeeded else "none yet"
    return "gone"


def _table(facts: Sequence[Mapping[str, object]]) -> str:
    if not facts:
        return "no dead letters"
    return columns([[name.upper() for name in facts[0]], *(list(row.values()) for row in facts)])
