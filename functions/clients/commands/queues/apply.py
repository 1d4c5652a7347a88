"""Create or update topics and subscriptions on Pub/Sub, or on the emulator at PUBSUB_EMULATOR_HOST."""

import click

from functions.clients.errors import CommandError, as_command_error
from functions.clients.settings import load_settings
from functions.queues.pubsub.project import Project, ProjectError
from functions.queues.pubsub.setup import TopologyApplier
from functions.queues.queue_model import Identity
from functions.queues.topology import FUNCTIONS, topology
from functions.settings.queues import QueueSettings


@click.command(help=__doc__)
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
def command(dry_run: bool) -> None:
    """Apply the topology."""
    queues = load_settings().queues
    _check(queues)
    identity = Identity(queues.push_identity, queues.push_audience) if queues.push_identity else None
    applier = TopologyApplier(Project(queues.project, queues.prefix), dry_run)
    with as_command_error(ProjectError):
        for line in applier.apply(topology(queues.endpoints, identity=identity)):
            print(line, flush=True)
    missing = [name for name in FUNCTIONS if name not in queues.endpoints]
    if missing:
        print(f"no subscription for {', '.join(missing)}: not in the setting queues.endpoints")


def _check(queues: QueueSettings) -> None:
    if not queues.project:
        raise CommandError("setting queues.project is empty: only Pub/Sub needs this command; set its project")
    unknown = sorted(set(queues.endpoints) - set(FUNCTIONS))
    if unknown:
        known = ", ".join(FUNCTIONS)
        raise CommandError(f"setting queues.endpoints: no function {', '.join(unknown)}; there are {known}")
