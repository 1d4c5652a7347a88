"""The frame of the command line: help, exit codes, output and completion.

usage        help of each command and group, and its imports; wrong usage is explained
exit codes   of each family of errors, of a question answered with no, of a command interrupted while it loads or runs
full disk    one line on standard error; none after the reader has closed the pipe
completion   the script for each shell; bash completes commands and values
output       colours on terminals only; cells of one line
"""

import io
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from functions.clients import cli, output
from functions.clients.commands import NAMES, Root
from functions.clients.errors import CommandError, Unavailable, WrongUsage
from tests.support.api import ROOT

COMMANDS = ("run", "dev", "watch", "render")
GROUPS = ("task", "runs", "queues", "config")
SHELLS = {"bash": "complete -o nosort -F", "zsh": "#compdef orchestrator", "fish": "complete --no-files"}
HEAVY = (
    "pydantic",
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
"""Modules that are slow to import and that only some commands need."""


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    """Restore the signal handler that the command replaces."""
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


@pytest.mark.parametrize("words", [[], ["task"], ["runs"], ["config"], ["queues"]])
def test_help_loads_no_part_that_only_a_command_needs(words: list[str]) -> None:
    program = (
        f"import sys; from functions.clients.cli import main; main({[*words, '--help']!r}); "
        f"print('loaded:', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    assert run("-c", program).splitlines()[-1] == "loaded: []"


def test_help_lists_exit_codes_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    """The main help lists the exit codes, and the help of each group has an example."""
    cli.main(["--help"])
    printed = capsys.readouterr().out
    assert [code for code in ("0 ", "1 ", "2 ", "3 ", "130 ") if f"\n    {code}" not in printed] == []
    for group in GROUPS:
        cli.main([group, "--help"])
        assert f" orchestrator {group} " in capsys.readouterr().out.partition("\n")[2], group


@pytest.mark.parametrize(("error", "code"), [(CommandError("why"), 1), (WrongUsage("why"), 2), (Unavailable("why"), 3)])
def test_an_error_of_a_command_is_reported_and_has_its_exit_code(
    error: CommandError, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "command", raising(error))
    assert cli.main([]) == code
    assert capsys.readouterr() == ("", "orchestrator: why\n")


def raising(error: BaseException) -> click.Command:
    def fail() -> None:
        raise error

    return Root("tests", (), None, no_args_is_help=False, callback=fail, invoke_without_command=True)


@pytest.mark.parametrize("answer", ["n\n", ""], ids=["no", "nothing"])
def test_a_question_that_is_not_answered_with_yes_stops_the_command(
    answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = click.Command("ask", callback=lambda: click.confirm("Sure?", abort=True))
    monkeypatch.setattr(cli, "command", ask)
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    assert cli.main([]) == 1
    assert "Aborted!" in capsys.readouterr().err


def test_a_command_that_is_stopped_exits_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "command", raising(KeyboardInterrupt()))
    assert cli.main([]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("shell", "script"), SHELLS.items())
def test_completion_prints_a_script_for_each_shell(shell: str, script: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", shell]) == 0
    assert script in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["task", ""], ["docs", "code"]),
        (["r"], ["runs", "render", "run"]),
        (["task", "code", "--tool-config", ""], ["minimal", "default", "advanced"]),
        (["runs", "list", "-o", "j"], ["json"]),
    ],
    ids=" ".join,
)
def test_bash_completes_commands_and_values(typed: list[str], words: list[str], tmp_path: Path) -> None:
    program = tmp_path / "orchestrator"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m functions.clients "$@"\n')
    program.chmod(0o755)
    line = (
        'eval "$(orchestrator completion bash)"; COMP_WORDS=(orchestrator "$@"); COMP_CWORD=$#; '
        'complete -p orchestrator >&2; _orchestrator_completion orchestrator; echo "${COMPREPLY[@]}"'
    )
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    shell = [shutil.which("bash") or "", "-c", line, "bash", *typed]
    done = subprocess.run(shell, env=environ, capture_output=True, text=True, timeout=60, check=True)
    assert "-F _orchestrator_completion orchestrator" in done.stderr
    assert done.stdout.split() == words


def run(*arguments: str) -> str:
    """Run a fresh Python and return its standard output."""
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_printed_on_terminals_unless_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
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


def process(*arguments: str, stdout: int, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "functions.clients", *arguments],
        cwd=ROOT, env={**os.environ, **environ}, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
        text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["--help"], ["completion", "bash"]], ids=" ".join)
def test_a_full_disk_is_reported_in_one_line(arguments: list[str], unbuffered: str) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = process(*arguments, stdout=full.fileno(), PYTHONUNBUFFERED=unbuffered)
    message = "orchestrator: standard output: No space left on device\n"
    assert (ended.returncode, ended.stderr) == (1, message)


@pytest.mark.parametrize("arguments", [["--help"], ["completion", "bash"]], ids=" ".join)
def test_after_a_closed_pipe_there_is_no_output(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = process(*arguments, stdout=writer)
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_ctrl_c_while_the_program_loads_exits_with_130_without_a_trace(tmp_path: Path) -> None:
    stands_in = "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(60)"
    (tmp_path / "click.py").write_text(stands_in)
    ended = process("--help", stdout=subprocess.DEVNULL, PYTHONPATH=str(tmp_path))
    assert (ended.returncode, ended.stderr) == (130, "")


@pytest.mark.parametrize("arguments", [["runs"]])
def test_ctrl_c_while_a_command_loads_exits_with_130(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    class Stopped(Root):
        def get_command(self, _context: click.Context, name: str) -> click.Command | None:
            raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        Stopped("functions.clients.commands", NAMES, None)(args=arguments)
    assert ended.value.code == 130
    assert capsys.readouterr().err == ""


def test_the_installed_command_starts_in_the_module_that_handles_ctrl_c() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts["orchestrator"] == "functions.clients.__main__:main"
