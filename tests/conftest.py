"""What all tests share: the scale of large counts, and real parts that a machine may not have."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator

import hypothesis
import pytest

from functions.local.dev.server import free_port
from functions.local.pubsub import Emulator, find
from functions.local.pubsub.emulator import HINT
from tests.support import control_plane, installed

hypothesis.settings.register_profile("project", deadline=None)  # a test is bounded as a whole; timing is a benchmark
hypothesis.settings.load_profile("project")

SCALE = float(os.environ.get("SCALE", "0.1"))


def pytest_report_header() -> str:
    """Says at which scale large counts are tested."""
    return f"scale of large counts: {SCALE}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what tests told, and once for each missing real part how many were skipped, and what to install."""
    for line in told(terminalreporter):
        terminalreporter.write_line(line)
    skipped = terminalreporter.stats.get("skipped", ())
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    for reason, count in reasons.items():
        terminalreporter.write_line(f"skipped {count} tests: {reason}")


def told(terminalreporter: pytest.TerminalReporter) -> Iterator[str]:
    """What tests have to tell: a property "told" each, and counts of "tried" things, added up."""
    tried: Counter[str] = Counter()
    for report in terminalreporter.stats.get("", ()):
        for name, value in report.user_properties if report.when == "teardown" else ():
            if name == "told":
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
        message = f"{name} is not installed: {hint}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)

    return find


@pytest.fixture(scope="session")
def installed_plane(
    tmp_path_factory: pytest.TempPathFactory, program: Callable[[str, str], str]
) -> Iterator[control_plane.ControlPlane]:
    """A real control plane with infra/kubernetes/base, shared by tests/bridge and tests/infra."""
    kubectl = program("kubectl", "see kubernetes.io, Install Tools")
    with installed.running(kubectl, tmp_path_factory.mktemp("installed")) as plane:
        yield plane


@pytest.fixture(scope="session")
def pubsub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host:port of Google's Pub/Sub emulator; each test takes a project of its own in it."""
    if find() is None:
        message = f"the Pub/Sub emulator is not installed: {HINT}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    emulator = Emulator(free_port(), tmp_path_factory.mktemp("pubsub") / "log")
    emulator.start()
    yield emulator.address
    emulator.stop()
