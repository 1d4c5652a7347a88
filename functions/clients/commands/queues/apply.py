"""Create or update topics and subscriptions on Pub/Sub (or the emulator at PUBSUB_EMULATOR_HOST) or NATS."""

import click

from functions.clients.errors import as_command_error
from functions.clients.settings import check_endpoints, load_settings
from functions.queues import backends
from functions.queues.setup import SetupError


@click.command(help=__doc__)
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
def command(dry_run: bool) -> None:
    """Apply the topology."""
    queues = load_settings(starts_containers=False).queues
    missing = check_endpoints(queues)
    with as_command_error(SetupError):
        for line in backends.apply(queues, dry_run=dry_run):
            print(line, flush=True)
    if missing:
        print(f"no subscription for {', '.join(missing)}: not in the setting queues.endpoints")
