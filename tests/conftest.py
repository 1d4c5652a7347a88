"""What all tests share: the scale of large counts, and real parts that a machine may not have."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NoReturn

import hypothesis
import pytest

from functions.local import nats
from functions.local.dev.server import free_port
from functions.local.pubsub import Emulator, find
from functions.local.pubsub.emulator import HINT
from tests.support import control_plane, images, installed
from tests.support.python import search_path

hypothesis.settings.register_profile("project", deadline=None)  # a test is bounded as a whole; timing is a benchmark
hypothesis.settings.load_profile("project")

pytest.register_assert_rewrite("tests.faults.scenarios")  # played by tests: they tell what was other than expected

os.environ["PATH"] = search_path()

SCALE = float(os.environ.get("SCALE", "0.1"))
LONG_FIRST = (
    "tests/cluster/test_many_runs.py",
    "tests/cluster/test_many_runs_in_turn.py",
    "tests/queues/test_killed.py",
    "tests/world/test_anything_left.py",
    "tests/local/test_stack.py",
    "tests/local/test_run_command.py",
    "tests/fleet/test_races.py",
    "tests/fleet/test_handing_on.py",
    "tests/contract/apiserver/test_sequences.py",
)
"""Files that take longest at SCALE=1, one of which begun last would keep one worker busy when the others are done."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Workers take files in the order of their first test: the longest first, those of pure code last."""
    places = {file: place for place, file in enumerate(LONG_FIRST)}
    end = len(places)
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], end + item.nodeid.startswith("tests/unit/")))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many tests wait for real parts."""
    return (os.cpu_count() or 1) + 1


def pytest_report_header() -> str:
    """Says at which scale large counts are tested."""
    return f"scale of large counts: {SCALE}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the summaries of tests, and once for each missing real part how many were skipped, and what to install."""
    for line in summaries(terminalreporter):
        terminalreporter.write_line(line)
    skipped = terminalreporter.stats.get("skipped", ())
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    for reason, count in reasons.items():
        terminalreporter.write_line(f"skipped {count} tests: {reason}")


def summaries(terminalreporter: pytest.TerminalReporter) -> Iterator[str]:
    """Yield the property "summary" of each test, and the sums of the properties "tried ..."."""
    tried: Counter[str] = Counter()
    for report in terminalreporter.stats.get("", ()):
        for name, value in report.user_properties if report.when == "teardown" else ():
            if name == "summary":
                yield str(value)
            elif name.startswith("tried "):
                tried[name.removeprefix("tried ")] += value
    if tried:
        counts = ", ".join(f"{count} {what}" for what, count in sorted(tried.items()))
        yield f"faults tried: {counts} (SCALE={SCALE:g}, FAULT_SEED={os.environ.get('FAULT_SEED', '1')})"


@pytest.fixture(scope="session")
def program() -> Callable[[str, str], str]:
    """The path of a real part, by name; without it the test is skipped with the hint, and under CI=true it fails."""

    def find(name: str, hint: str) -> str:
        path = shutil.which(name)
        if path:
            return path
        _missing(f"{name} is not installed: {hint}")

    return find


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control_plane.ControlPlane]:
    """The one real control plane of a test process: it costs processor time also when idle.

    What tests make is in namespaces of their own. For the whole cluster they only add definitions.
    """
    with control_plane.available(tmp_path_factory.mktemp("plane")) as found:
        yield found


@pytest.fixture(scope="session")
def installed_plane(
    plane: control_plane.ControlPlane, program: Callable[[str, str], str]
) -> control_plane.ControlPlane:
    """The same with infra/kubernetes/base as it is written; never on a cluster that stays."""
    if not plane.etcd:
        pytest.skip("it installs what is in infra/kubernetes: unset TEST_CLUSTER")
    kubectl = program("kubectl", "see kubernetes.io, Install Tools")
    for folder in (installed.CRDS, installed.KUBERNETES / "base"):
        installed.apply(kubectl, plane, installed.kustomized(kubectl, folder))
    return plane


def _missing(message: str) -> NoReturn:
    """Skip the test, or fail it in CI: a real part is not installed."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def pubsub_installed() -> None:
    """Google's Pub/Sub emulator, for tests that start one themselves."""
    if find() is None:
        _missing(f"the Pub/Sub emulator is not installed: {HINT}")


@pytest.fixture(scope="session")
def pubsub(pubsub_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host:port of Google's Pub/Sub emulator; each test takes a project of its own in it."""
    emulator = Emulator(free_port(), tmp_path_factory.mktemp("pubsub") / "log")
    emulator.start()
    yield emulator.address
    emulator.stop()


@pytest.fixture(scope="session")
def orchestrator_image() -> images.Image:
    return images.built("orchestrator")


@pytest.fixture(scope="session")
def agent_image() -> images.Image:
    return images.built("agent")


@pytest.fixture(scope="session")
def rehearsal_image() -> images.Image:
    return images.built("rehearsal")


@pytest.fixture(scope="session")
def nats_installed() -> None:
    """The NATS server, for tests that start one themselves."""
    if nats.find() is None:
        _missing(f"NATS is not installed: {nats.HINT}")


@pytest.fixture(scope="session")
def nats_server(nats_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real NATS server with JetStream; each test takes a prefix of its own on it."""
    folder = tmp_path_factory.mktemp("nats")
    server = nats.NatsServer(free_port(), folder, folder / "log")
    server.start()
    yield server.url
    server.stop()
