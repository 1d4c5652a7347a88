"""Deliver events from NATS to the functions, and publish the sweep's schedule, until stopped (the dispatcher)."""

import asyncio
import signal
import sys

import click

from functions.clients.errors import CommandError, as_command_error
from functions.clients.options import health_host_option, port_option
from functions.clients.settings import check_endpoints, load_settings
from functions.queues.backends.nats.connection import NatsError
from functions.queues.backends.nats.dispatcher import Dispatcher
from functions.queues.topology import topology
from functions.settings.model import Settings
from functions.telemetry import logs
from functions.telemetry.health import HealthServer


@click.command(help=__doc__)
@health_host_option
@port_option(8080, "Port of /health/ready and /health/live.")
@click.option(
    "--sweep-seconds", default=60.0, show_default=True, type=click.FloatRange(1, 3600), help="Interval of the sweep."
)
def command(host: str, port: int, sweep_seconds: float) -> None:
    """Run the dispatcher."""
    logs.configure(sys.stderr)
    dispatcher = _dispatcher(load_settings(starts_containers=False), sweep_seconds)
    try:
        health = HealthServer(dispatcher, host, port, "subscriptions")
    except OSError as error:
        raise CommandError(f"--port: cannot listen on {host}:{port}: {error.strerror}") from error
    print(f"dispatching; health: http://{host}:{health.port}/health", flush=True)
    with as_command_error(NatsError):
        asyncio.run(_run(dispatcher))


def _dispatcher(settings: Settings, sweep_seconds: float) -> Dispatcher:
    queues = settings.queues
    if not queues.nats.servers:
        raise CommandError("setting queues.nats.servers is empty: only NATS needs this command; set its servers")
    missing = check_endpoints(queues)
    if missing:
        print(f"not delivered: {', '.join(missing)}; not in the setting queues.endpoints", flush=True)
    token = queues.push_token.get_secret_value()
    return Dispatcher(queues.nats, queues.prefix, topology(queues.endpoints, sweep_seconds), token)


async def _run(dispatcher: Dispatcher) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await dispatcher.run(stopping)
