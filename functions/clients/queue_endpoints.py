"""The setting queues.endpoints, as the commands that read it check it."""

from functions.clients.errors import CommandError
from functions.queues.topology import FUNCTIONS
from functions.settings.queues import QueueSettings


def check_endpoints(queues: QueueSettings) -> list[str]:
    """Return the functions without an endpoint; raise CommandError for an endpoint without a function."""
    unknown = sorted(set(queues.endpoints) - set(FUNCTIONS))
    if unknown:
        known = ", ".join(FUNCTIONS)
        raise CommandError(f"setting queues.endpoints: no function {', '.join(unknown)}; there are {known}")
    return [name for name in FUNCTIONS if name not in queues.endpoints]
