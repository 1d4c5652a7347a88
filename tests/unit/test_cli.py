"""The frame of the command line: usage, exit codes, and what `--help` may load."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from functions.clients import cli

COMMANDS = ("run", "dev", "watch")


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    """The command sets its own; the test run gets its own back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("arguments", [["--help"], *([command, "--help"] for command in COMMANDS)])
def test_help_is_printed_and_is_no_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"Usage: orchestrator {' '.join(arguments[:-1])}".rstrip())
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "Usage: orchestrator"),
        (["nope"], "No such command 'nope'"),
        (["dev", "--port", "x"], "--port"),
        (["run", "--no-such-option"], "--no-such-option"),
    ],
)
def test_wrong_usage_is_explained_and_exits_with_2(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    printed = capsys.readouterr()
    assert why in printed.out + printed.err


def test_help_loads_no_part_that_only_a_command_needs() -> None:
    heavy = ("kubernetes", "urllib3", "starlette", "uvicorn", "aiohttp", "google.cloud.pubsub_v1", "functions.local")
    program = (
        "import sys; from functions.clients.cli import main; main(['--help']); "
        f"print('loaded:', [name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "loaded: []"
