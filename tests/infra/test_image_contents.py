"""The contents of the built images, as their own users see them.

orchestrator  programs start on a read-only root; no compiler, installer or setuid program; templates compiled
agent         each program that attempts use, in the versions of the lock file; no setuid program
both          labels, user, size
"""

import json
import re
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3

import functions
from functions.local.dev.server import free_port
from functions.templating.engine import COMPILED
from functions.templating.search_path import SUFFIX
from tests.support import images
from tests.support.images import Image
from tests.support.installed import ROOT

pytestmark = pytest.mark.timeout(images.BUILD_SECONDS)  # the first test with an image builds it

COMPILERS = "cc c++ gcc g++ clang tcc cpp as ld make cmake rustc cargo go"
INSTALLERS = "pip pip3 easy_install"
MIB = 2**20
LARGEST = {"orchestrator": 700 * MIB, "agent": 1900 * MIB}
"""Bytes of all files, with Debian's substitutes of the base images; larger growth needs a change here."""


@pytest.fixture(params=["orchestrator", "agent"])
def either(request: pytest.FixtureRequest) -> tuple[str, Image]:
    return request.param, request.getfixturevalue(f"{request.param}_image")


def found(image: Image, names: str) -> list[str]:
    """Return the programs that are on the PATH of the image's user."""
    script = 'for name; do command -v "$name" || true; done'
    return image.run("sh", "-c", script, "sh", *names.split()).stdout.split()


def test_no_program_is_setuid_or_setgid(either: tuple[str, Image]) -> None:
    _, image = either
    more = [
        path for path in image.root.rglob("*") if _regular(path) and path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)
    ]
    assert more == []


def _regular(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def test_the_size_of_an_image_is_reported_and_bounded(
    either: tuple[str, Image], record_property: Callable[[str, object], None]
) -> None:
    name, image = either
    record_property("summary", f"image {name}: {image.size // MIB} MiB")
    assert image.size < LARGEST[name]


def test_an_images_labels_name_title_version_and_revision(either: tuple[str, Image]) -> None:
    name, image = either
    labels = {key.removeprefix("org.opencontainers.image."): text for key, text in image.config["Labels"].items()}
    assert labels["title"] == {"orchestrator": "orchestrator", "agent": "orchestrator-agent"}[name]
    assert (labels["version"], labels["revision"]) == (images.VERSION, images.REVISION)
    assert labels["licenses"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"]
    assert labels["description"]


def test_an_image_runs_as_its_user_with_a_read_only_root(either: tuple[str, Image]) -> None:
    name, image = either
    done = image.run("sh", "-c", "id -u; id -g; touch /tmp/x && echo written; touch /x /usr/x /opt/x /var/x")
    uid = {"orchestrator": "65532", "agent": "1000"}[name]
    assert done.stdout.split() == [uid, uid, "written"]
    assert done.stderr.count("Read-only file system") == 4, done.stderr


def test_an_image_contains_no_credential_or_cache_files(either: tuple[str, Image]) -> None:
    _, image = either
    left = [".npmrc", ".netrc", ".pip", ".cache", ".npm", ".git-credentials"]
    homes = [image.root / "root", *(image.root / "home").glob("*")]
    assert [home / name for home in homes for name in left if _kept(home / name)] == []


def _kept(path: Path) -> bool:
    return path.is_dir() or (path.exists() and path.stat().st_size > 0)  # an empty file is a mount point of the build


def test_the_orchestrator_image_has_no_compiler_and_no_installer(orchestrator_image: Image) -> None:
    assert found(orchestrator_image, COMPILERS) == []
    venv = orchestrator_image.root / "opt/venv"
    assert [path.name for path in (venv / "bin").iterdir() if path.name in INSTALLERS.split()] == []
    done = orchestrator_image.run("python", "-c", "import pip")
    assert "No module named 'pip'" in done.stderr


def test_all_modules_and_templates_of_the_orchestrator_image_are_compiled(orchestrator_image: Image) -> None:
    root = orchestrator_image.root / "opt/orchestrator"
    sources = {path.relative_to(root) for path in (root / "functions").rglob("*.py")}
    assert len(sources) > 200
    assert {path for path in sources if not _compiled(root / path)} == set()
    templates = set((root / "templates").rglob(f"*{SUFFIX}"))
    assert len(list((root / "templates" / COMPILED).iterdir())) == len(templates) > 50


def _compiled(source: Path) -> bool:
    file = source.parent / "__pycache__" / f"{source.stem}.cpython-311.pyc"
    flags = file.read_bytes()[4] if file.exists() else 0
    return flags == 0b01  # hash-based and unchecked (PEP 552)


def test_the_command_line_and_health_name_version_and_revision(orchestrator_image: Image) -> None:
    done = orchestrator_image.run("orchestrator", "--version")
    assert done.stdout == f"orchestrator {functions.__version__} ({images.REVISION})\n"
    port = free_port()
    environ = {
        "FUNCTION_TARGET": "submit_code",
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "ORCHESTRATOR_AGENT__IMAGE": "x",
        "ORCHESTRATOR_BROKER__IMAGE": "x",
    }
    command = ["functions-framework", "--source", "/opt/orchestrator/functions/main.py"]
    process = orchestrator_image.start(command, environ=environ)
    try:
        body = urllib3.request("GET", f"http://127.0.0.1:{port}/health", retries=RETRIES, timeout=30).json()
    finally:
        process.kill()
        process.wait(30)
    assert (body["status"], body["version"], body["revision"]) == ("ok", functions.__version__, images.REVISION)


RETRIES = urllib3.Retry(connect=12, backoff_factor=0.2, backoff_max=5)


def test_a_command_in_the_image_names_a_missing_setting(orchestrator_image: Image) -> None:
    done = orchestrator_image.run("orchestrator", "watch", "--host", "0.0.0.0")
    assert (done.returncode, done.stdout) == (1, "")
    assert "setting agent.image: is required" in done.stderr


VERSIONS = {
    "claude": r"^{@anthropic-ai/claude-code} ",
    "codex": r"{@openai/codex}$",
    "git": r"^git version 2\.",
    "git-lfs": r"^git-lfs/\d",
    "gh": r"^gh version \d",
    "ssh": r"^OpenSSH_9",
    "python3": r"^Python 3\.1[1-9]",
    "node": r"^v22\.",
    "jq": r"^jq-1",
    "rg": r"^ripgrep \d",
}


@pytest.mark.parametrize("program", VERSIONS)
def test_the_agent_image_has_the_programs_of_attempts(agent_image: Image, program: str) -> None:
    locked: dict[str, Any] = json.loads((ROOT / "infra/images/agent/package.json").read_text())["dependencies"]
    pattern = re.sub(r"\{(.*?)\}", lambda name: re.escape(locked[name[1]]), VERSIONS[program])
    done = agent_image.run(program, "-V" if program == "ssh" else "--version", environ={"HOME": "/tmp"})
    assert done.returncode == 0, done.stderr
    assert re.search(pattern, (done.stdout or done.stderr).splitlines()[0]), done.stdout + done.stderr


def test_the_agent_image_keeps_no_package_archives(agent_image: Image) -> None:
    for place in ("var/cache/apt/archives", "var/lib/apt/lists"):
        assert [path for path in (agent_image.root / place).rglob("*") if path.suffix in (".deb", ".lz4")] == []


def test_the_agents_user_owns_its_home_and_workspace(agent_image: Image) -> None:
    for name in ("home/agent", "workspace"):
        found_ = (agent_image.root / name).stat()
        assert (found_.st_uid, found_.st_gid) == (1000, 1000)
    assert str((agent_image.root / "usr/local/bin/mcp-client").readlink()) == "/opt/agent/mcp-client.mjs"
