"""`orchestrator queues`: sets Pub/Sub up; what could not be delivered is in `dead`."""

import click

from functions.clients import dead_letters
from functions.clients.click_helpers import Group
from functions.clients.configured import settings
from functions.clients.errors import CommandError, as_command_error

HELP = """The queues between the functions.

\b
  orchestrator queues apply --dry-run             say what would be set up on Pub/Sub
  orchestrator queues dead list                   what could not be delivered, and which run it was for
"""

app = Group("queues", help=HELP)
app.add_command(dead_letters.app)


@app.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
def apply(dry_run: bool) -> None:
    """Create or update topics and subscriptions on Pub/Sub, or on the emulator at PUBSUB_EMULATOR_HOST."""
    from functions.queues.pubsub.project import Project, ProjectError
    from functions.queues.pubsub.setup import TopologyApplier
    from functions.queues.queue_model import Identity
    from functions.queues.topology import FUNCTIONS, topology

    queues = settings().queues
    if not queues.project:
        raise CommandError("setting queues.project is empty: the embedded queue sets itself up, Pub/Sub needs it")
    unknown = sorted(set(queues.endpoints) - set(FUNCTIONS))
    if unknown:
        raise CommandError(
            f"setting queues.endpoints: no function {', '.join(unknown)}; there are {', '.join(FUNCTIONS)}"
        )
    identity = Identity(queues.push_identity, queues.push_audience) if queues.push_identity else None
    with as_command_error(ProjectError):
        for line in TopologyApplier(Project(queues.project, queues.prefix), dry_run).apply(
            topology(queues.endpoints, identity=identity)
        ):
            print(line, flush=True)
    absent = [each for each in FUNCTIONS if each not in queues.endpoints]
    if absent:
        print(f"no subscription for {', '.join(absent)}: not in the setting queues.endpoints")
