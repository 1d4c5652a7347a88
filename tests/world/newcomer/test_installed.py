"""`make install` and `pipx install`: the command in a new virtual environment, without a network (case N8).

The packages of the lock files come from the tests' own environment; a copy of this tree is installed.
"""

import os
import shutil
import subprocess
import sysconfig
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from functions import __version__
from tests.support.api import ROOT

INSTALLED = ("functions", "templates", "crds", "Makefile", "pyproject.toml", "README.md", "LICENSE")
LOCK = "requirements-local.txt"


def output(*command: str | Path, cwd: Path, code: int = 0, environ: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def new_environment(folder: Path) -> Path:
    """Make a virtual environment with the packages of the lock files; return its bin directory."""
    venv.create(folder, with_pip=False)
    packages = sysconfig.get_path("purelib", vars={"base": str(folder)})
    Path(packages, "locked.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a copy of this tree, whose .venv has the packages of the lock file and not the project."""
    copy = tmp_path_factory.mktemp("checkout")
    listed = output("git", "ls-files", "-z", *INSTALLED, LOCK, cwd=ROOT).split("\0")
    for name in filter(None, listed):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    new_environment(copy / ".venv")
    (copy / ".venv" / ".local").touch()
    yield copy
    shutil.rmtree(copy)


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a new user's shell, with the test's directory as home."""
    return {"HOME": str(tmp_path), "PATH": os.defpath, "LANG": "C.UTF-8"}


def test_make_install_puts_the_command_on_the_printed_path(
    checkout: Path, tmp_path: Path, elsewhere: dict[str, str]
) -> None:
    printed = output("make", "--no-print-directory", "install", cwd=checkout)
    assert f"{checkout}/.venv/bin/orchestrator is installed" in printed
    path = printed.splitlines()[-1].removeprefix("  export PATH=").removesuffix(":$PATH")
    elsewhere["PATH"] = f"{path}:{os.defpath}"

    def orchestrator(*arguments: str, code: int = 0) -> str:
        command = shutil.which("orchestrator", path=elsewhere["PATH"])
        assert command
        return output(command, *arguments, cwd=tmp_path, code=code, environ=elsewhere)

    assert orchestrator("--version").strip() == f"orchestrator {__version__}"
    assert "Ask for work: on tasks of Task Master" in orchestrator("-h")
    assert "--repository-url" in orchestrator("task", "code", "-h")
    assert "problem  settings     setting agent.image: is required" in orchestrator("doctor", code=1)
    refused = orchestrator("runs", "list", code=1)
    assert "no credentials for the cluster" in refused
    assert "request rights" not in refused
    assert "_orchestrator_completion" in orchestrator("completion", "bash")
    assert Path(path, "orchestrator-mcp").is_file()


def test_installed_wheel_has_the_console_and_names_commands_that_need_a_checkout(
    checkout: Path, tmp_path: Path, elsewhere: dict[str, str]
) -> None:
    pip = ["-m", "pip", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-index", "--no-deps"]
    python = checkout / ".venv" / "bin" / "python"
    output(python, *pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", tmp_path, ".", cwd=checkout)
    (wheel,) = tmp_path.glob("orchestrator-*.whl")
    place = new_environment(tmp_path / "pipx")
    output(place / "python", *pip, "install", *offline, wheel, cwd=tmp_path)
    assert output(place / "orchestrator", "--version", cwd=tmp_path, environ=elsewhere).startswith("orchestrator ")
    refused = output(place / "orchestrator", "run", cwd=tmp_path, code=1, environ=elsewhere)
    assert refused.startswith("orchestrator: ")
    assert refused.count("\n") == 1
    assert "run this from a checkout" in refused
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(tmp_path / "pipx")}))
    for folder in ("static", "templates"):
        shipped = {each.name for each in (packages / "functions" / "console" / folder).iterdir()}
        assert shipped == {each.name for each in (ROOT / "functions" / "console" / folder).iterdir()}
