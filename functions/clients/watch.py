"""`orchestrator watch`: the watch bridge, as it runs in its pod."""

import click

from functions.clients.errors import CommandError, as_command_error


@click.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address that answers for health; in a pod 0.0.0.0.",
)
@click.option(
    "--port", default=8080, show_default=True, help="Port that answers for health: /health/ready, /health/live."
)
def watch(host: str, port: int) -> None:
    """Publish every change of runs and their Jobs to the queue until stopped (the watch bridge)."""
    import os
    import signal
    import sys

    from functions.bridge.bridge import TOPIC_BY_KIND, Bridge
    from functions.bridge.health import HealthServer
    from functions.cluster.client import Cluster
    from functions.cluster.kubernetes_transport import KubernetesTransport
    from functions.queues.publisher import PublishError, connect
    from functions.settings import SettingsError, load
    from functions.telemetry import logs

    # From here on a signal waits for sigwait below: threads inherit the mask, and none is interrupted.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    logs.configure(sys.stderr)
    with as_command_error(SettingsError, PublishError):
        settings = load(os.environ)
        publisher = connect(settings.queues)
    bridge = Bridge(Cluster(KubernetesTransport(settings.cluster)), publisher, settings.namespace, TOPIC_BY_KIND)
    try:
        health = HealthServer(bridge, host, port)
    except OSError as error:
        raise CommandError(f"--port: cannot listen on {host}:{port}: {error.strerror}") from error
    bridge.start()
    print(f"watching; health: http://{host}:{health.port}/health", flush=True)
    signal.sigwait(signals)
    if not bridge.stop():
        raise CommandError("stopped before the queue had stored everything; the next bridge will tell of it again")
