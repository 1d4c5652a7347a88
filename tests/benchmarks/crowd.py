"""Many new runs on an API server, each with a workspace of its own."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import urllib3
import yaml

from functions.cluster.client import Cluster
from functions.cluster.kinds import CODE_RUN, Kind
from functions.cluster.kubernetes_transport import KubernetesTransport
from functions.cluster.transport import Transport
from functions.composition import REPORTERS
from functions.local.dev.cluster import create_defaults
from functions.manifests import run
from functions.runs.model.run import Run, parse
from functions.runs.model.specs import SPECS
from functions.serving.dependencies import Dependencies
from functions.settings.cluster import ClusterSettings
from functions.settings.limits import LimitSettings
from tests.benchmarks import server
from tests.support import control_plane
from tests.support.api import ROOT
from tests.support.builders import CODE_SPEC, settings
from tests.support.waiting import until

THREADS = 8
"""Threads of functions-framework on two cores."""

DEFINITION = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions")
Connect = Callable[[], Transport]
NUMBERS = itertools.count(1)


@contextmanager
def servers(folder: Path) -> Iterator[dict[str, Connect]]:
    """Yield ways to connect, by name: `embedded`, and `real` if a control plane is installed."""
    with ExitStack() as stack:
        embedded = stack.enter_context(server.running(folder))
        found: dict[str, Connect] = {"embedded": embedded.transport}
        binaries = control_plane.assets()
        if binaries:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # its certificate is self-signed
            place = folder / "plane"
            place.mkdir()
            plane = stack.enter_context(control_plane.running(binaries, place, controllers=False))
            found["real"] = lambda: KubernetesTransport(ClusterSettings(kubeconfig=str(plane.kubeconfig)))
            _define(Cluster(found["real"]()))
        for connect in found.values():
            create_defaults(Cluster(connect()), "orchestrator", {})
        yield found


def kubeconfig(folder: Path, server: str) -> Path:
    """Return the kubeconfig of a server that was started in `folder`."""
    return folder / ("plane/kubeconfig" if server == "real" else "kubeconfig")


def _define(cluster: Cluster) -> None:
    for file in sorted((ROOT / "crds").glob("*runs.yaml")):
        cluster.create(DEFINITION, yaml.safe_load(file.read_text()))
    definitions = partial(cluster.list, DEFINITION)
    until(lambda: all(map(_established, definitions())), 30, "the CRDs are not served", every=0.1)


def _established(definition: dict[str, Any]) -> bool:
    conditions = definition["status"]["conditions"] or ()
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def services(transport: Transport) -> Dependencies:
    """Return the dependencies of functions without limits, which make the fewest calls."""
    configured = settings(limits=LimitSettings(exclusive=False).model_dump())
    return Dependencies(configured, Cluster(transport), lambda: datetime.now(UTC), connect_reporters=REPORTERS)


def made(transport: Transport, count: int, namespace: str = "orchestrator") -> dict[str, Run]:
    """Create `count` runs and return them by the number in their names, of six digits."""
    cluster = Cluster(transport)

    def one(number: str) -> Run:
        spec = SPECS["CodeRun"].model_validate({**CODE_SPEC, "service": f"svc-{number}"})
        return parse(cluster.create(CODE_RUN, run.run(spec, namespace, f"bench-{number}")))

    numbers = [f"{next(NUMBERS):06d}" for _ in range(count)]
    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(numbers, pool.map(one, numbers), strict=True))
