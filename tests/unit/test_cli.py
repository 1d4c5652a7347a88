"""The frame of the command line: usage, exit codes, completion, where output goes, and what `--help` may load."""

import io
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer

from functions.clients import cli, output
from functions.clients.failing import CommandError, Unavailable, WrongUsage

COMMANDS = ("run", "dev", "watch", "render")
GROUPS = ("task", "runs", "queues", "config")
HEAVY = (
    "kubernetes",
    "urllib3",
    "jinja2",
    "google.auth",
    "google.cloud.pubsub_v1",
    "yaml",
    "requests",
    "starlette",
    "uvicorn",
    "aiohttp",
    "mcp",
    "rich",
    "cloudevents",
    "functions_framework",
    "functions.local",
    "functions.settings",
)
"""What takes long to import, and only commands need."""


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    """The command sets its own; the test run gets its own back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("arguments", [["--help"], *([command, "--help"] for command in (*COMMANDS, *GROUPS))])
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


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--help"], (*HEAVY, "pydantic")),
        # Typer itself checks the values of a group's options with pydantic.
        *(([*words, "--help"], HEAVY) for words in (["task"], ["task", "code"], ["runs"], ["config"], ["queues"])),
    ],
)
def test_help_loads_no_part_that_only_a_command_needs(arguments: list[str], heavy: tuple[str, ...]) -> None:
    program = (
        f"import sys; from functions.clients.cli import main; main({arguments!r}); "
        f"print('loaded:', [name for name in {heavy!r} if name in sys.modules])"
    )
    assert run("-c", program).splitlines()[-1] == "loaded: []"


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit codes are in the help of the whole, and each group shows how it is used."""
    cli.main(["--help"])
    printed = capsys.readouterr().out
    assert [code for code in ("0 ", "1 ", "2 ", "3 ", "130 ") if f"\n    {code}" not in printed] == []
    for group in GROUPS:
        cli.main([group, "--help"])
        assert f" orchestrator {group} " in capsys.readouterr().out.partition("Options:")[0].partition("\n")[2], group


@pytest.mark.parametrize(
    ("error", "code"), [(CommandError("why"), 1), (WrongUsage("why"), 2), (Unavailable("why"), 3)]
)
def test_an_error_of_a_command_is_told_and_has_its_exit_code(
    error: CommandError, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = typer.Typer()

    @command.callback(invoke_without_command=True)
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "app", command)
    assert cli.main([]) == code
    assert capsys.readouterr() == ("", "orchestrator: why\n")


def test_completion_knows_commands_and_values() -> None:
    show = [
        shutil.which("bash") or "",
        "-c",
        f"{shlex.quote(sys.executable)} -m functions.clients --show-completion; :",
    ]
    script = subprocess.run(show, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "complete -o default -F _orchestrator_completion orchestrator" in script
    complete = {"_ORCHESTRATOR_COMPLETE": "complete_bash"}
    words = run("-m", "functions.clients", **complete, COMP_WORDS="orchestrator task ", COMP_CWORD="2")
    assert words.split() == ["docs", "code"]
    line = "orchestrator task code --tool-config "
    assert run("-m", "functions.clients", **complete, COMP_WORDS=line, COMP_CWORD="4").split() == [
        "minimal",
        "default",
        "advanced",
    ]


def run(*arguments: str, **environ: str) -> str:
    """What a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_whose_people_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert (output.styled("a", "red", Terminal()), output.styled("a", "red", io.StringIO())) == (
        "\x1b[31ma\x1b[0m",
        "a",
    )
    monkeypatch.setenv("NO_COLOR", "1")
    assert output.styled("a", "red", Terminal()) == "a"


def test_a_cell_is_one_line_that_cannot_move_the_cursor() -> None:
    assert output.cell("a\x1b[2J\nb") == "a [2J b"
    assert len(output.cell("x" * 500)) == output.CELL
