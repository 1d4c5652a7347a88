"""Connects the dependencies of the functions that work on runs, and lists the reporters of runs.

A new audience is a module in reporting/ and a line in REPORTERS.
"""

from datetime import UTC, datetime

from functions.cluster.client import Cluster
from functions.cluster.kubernetes_transport import KubernetesTransport
from functions.github.api import client as github
from functions.reporting.github.sync import GithubReporter
from functions.reporting.lifecycle import LifecycleReporter
from functions.serving.dependencies import ConnectReporter, Dependencies
from functions.settings.model import Settings
from functions.telemetry.instrumented import InstrumentedTransport, publisher

REPORTERS: tuple[ConnectReporter, ...] = (LifecycleReporter.connect, GithubReporter.connect)
"""Lifecycle events first: a run is marked as finished once they are published, and GitHub may take long."""


def connect(settings: Settings) -> Dependencies:
    """Return the dependencies of a deployed function. Reads credentials; makes no call."""
    return Dependencies(
        settings,
        Cluster(InstrumentedTransport(KubernetesTransport(settings.cluster))),
        _now,
        publisher(settings.queues),
        github.connect(settings.github, _now) if settings.github.configured else None,
        connect_reporters=REPORTERS,
    )


def _now() -> datetime:
    return datetime.now(UTC)
