"""What all tests share: the scale of large counts, and real parts that a machine may not have."""

import os
import shutil
from collections import Counter
from collections.abc import Callable

import pytest

SCALE = float(os.environ.get("SCALE", "0.1"))


def pytest_report_header() -> str:
    """Says at which scale large counts are tested."""
    return f"scale of large counts: {SCALE}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says once for each missing real part how many tests were skipped, and what to install."""
    skipped = terminalreporter.stats.get("skipped", ())
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    for reason, count in reasons.items():
        terminalreporter.write_line(f"skipped {count} tests: {reason}")


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
