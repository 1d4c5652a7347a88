"""Publish every change of runs and their Jobs to the queue until stopped (the watch bridge)."""

import os
import signal
import sys

import click

from functions.bridge.bridge import TOPIC_BY_KIND, Bridge
from functions.clients.errors import CommandError, as_command_error
from functions.clients.options import health_host_option, port_option
from functions.cluster.client import Cluster
from functions.cluster.kubernetes_transport import KubernetesTransport
from functions.queues.backends import connect
from functions.queues.publisher import PublishError
from functions.settings.errors import SettingsError
from functions.settings.loading import load
from functions.telemetry import logs
from functions.telemetry.health import HealthServer


@click.command(help=__doc__)
@health_host_option
@port_option(8080, "Port of /health/ready and /health/live.")
def command(host: str, port: int) -> None:
    """Run the watch bridge."""
    # Signals wait for sigwait below: threads inherit the mask, so none is interrupted.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    logs.configure(sys.stderr)
    with as_command_error(SettingsError, PublishError):
        settings = load(os.environ)
        publisher = connect(settings.queues)
    bridge = Bridge(Cluster(KubernetesTransport(settings.cluster)), publisher, settings.namespace, TOPIC_BY_KIND)
    try:
        health = HealthServer(bridge, host, port, "watches")
    except OSError as error:
        raise CommandError(f"--port: cannot listen on {host}:{port}: {error.strerror}") from error
    bridge.start()
    print(f"watching; health: http://{host}:{health.port}/health", flush=True)
    signal.sigwait(signals)
    if not bridge.stop():
        raise CommandError("stopped before the queue had stored everything; the next start publishes the rest")
