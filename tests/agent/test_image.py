"""The agent image without a build: it installs everything that an attempt needs."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from functions.runs.model.reasons import Reason
from functions.templating.render import task_files
from tests.agent.conftest import SpecFactory
from tests.agent.world import World, plain_settings

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "infra/images/agent"
DOCKERFILE = (IMAGE / "Dockerfile").read_text()

# coreutils, bash and the like are in every Debian image; the Dockerfile names some of them anyway.
PACKAGES = {
    "coreutils": "basename cat chmod cp cut date dirname env head id install ln mkdir mktemp mv printf readlink "
    "realpath rm sleep sort tail tee timeout touch tr true wc",
    "bash": "bash sh",
    "git": "git",
    "git-lfs": "git-lfs",
    "python3": "python3",
    "util-linux": "flock",
    "findutils": "find xargs",
    "grep": "grep",
    "sed": "sed",
    "procps": "ps",
}
ESSENTIAL = {"coreutils"}
FROM_NPM = {"claude", "codex", "mcp-client", "mcp-server-filesystem", "secretlint"}
PROGRAMS = {program: package for package, programs in PACKAGES.items() for program in programs.split()}

BUILTINS = set(subprocess.run(["/bin/bash", "-c", "compgen -b"], capture_output=True, text=True).stdout.split())

_CALL = re.compile(r"(?:^|[|;&({`]|\b(?:then|do|else|if|while|exec|run_child)\s|!\s)\s*([a-z][a-z0-9_.-]*)(?=\s|$)")
_QUOTED = re.compile(r"'[^']*'|#[^\"']*$")


def scripts(world: World, code_spec: SpecFactory, docs_spec: SpecFactory) -> Iterator[str]:
    """Yield every shell script, for both agent CLIs, kinds of work and identities."""
    for cli, model in (("claude", "claude-test"), ("codex", "gpt-5")):
        for identity in ({"githubUser": "octocat"}, {"githubUser": None, "githubApp": "5DLabs-Rex"}):
            for make in (code_spec, docs_spec):
                files = task_files(world.task(make(agentCli=cli, model=model, **identity)), plain_settings()).files
                yield from (text for key, text in files.items() if key.endswith(".sh"))


def calls(script: str) -> set[str]:
    """Return the words in command position that are programs here, but neither builtins nor functions."""
    known = set(re.findall(r"^(\w+)\(\) \{", script, re.MULTILINE)) | BUILTINS
    lines = (_QUOTED.sub("''", line) for line in script.splitlines())
    words = {word for line in lines for word in _CALL.findall(line)} | set(re.findall(r"command -v (\w+)", script))
    return {word for word in words - known if shutil.which(word)}


def installed() -> set[str]:
    """Return the Debian packages of the Dockerfile."""
    return set(re.findall(r"apt-get install[^&]*?recommends \\\n(.*?)&&", DOCKERFILE, re.DOTALL)[0].split()) - {"\\"}


def test_every_called_program_is_installed_in_the_image(
    world: World, code_spec: SpecFactory, docs_spec: SpecFactory
) -> None:
    called = set[str]().union(*map(calls, scripts(world, code_spec, docs_spec)))
    assert called >= {"git", "flock", "find", "python3", "grep", "timeout"}
    assert called - set(PROGRAMS) - {"node"} == set(), "add it to PACKAGES and, if missing, to the Dockerfile"
    assert {PROGRAMS[program] for program in called - {"node"}} - ESSENTIAL <= installed()
    assert re.search(r"^FROM node:\d+\.\d+\.\d+-\w+-slim$", DOCKERFILE, re.MULTILINE)


def test_attempt_runs_with_the_programs_of_the_image_alone(world: World, code_spec: SpecFactory) -> None:
    there = world.path / "bin"
    there.mkdir()
    for program in (*PROGRAMS, "node"):
        path = sys.executable if program == "python3" else shutil.which(program)
        if path:
            (there / program).symlink_to(path)
    pod = world.pod(world.task(code_spec()), PATH=str(there))
    assert pod.run().reason == Reason.COMPLETED, pod.log
    assert "command not found" not in pod.log


def test_programs_that_task_files_start_are_on_the_path(
    world: World, code_spec: SpecFactory, docs_spec: SpecFactory
) -> None:
    linked = set(re.findall(r"/usr/local/bin/([\w-]+)", DOCKERFILE))
    linked |= set(re.findall(r"for program in ([\w -]+);", DOCKERFILE)[0].split())
    assert linked >= FROM_NPM
    for cli, model in (("claude", "claude-test"), ("codex", "gpt-5")):
        spec = code_spec(agentCli=cli, model=model, toolConfig="advanced")
        files = task_files(world.task(spec), plain_settings(tools={"server_url": "https://t/mcp"})).files
        assert f'PROGRAM = "{cli}"' in files["agent_cli.py"]
        text = files.get("mcp.json") or files["settings.json"]
        assert all(program in text for program in ("mcp-client", "mcp-server-filesystem"))


def test_versions_are_exact_and_in_one_place() -> None:
    wanted = json.loads((IMAGE / "package.json").read_text())["dependencies"]
    lock = json.loads((IMAGE / "package-lock.json").read_text())
    assert lock["packages"][""]["dependencies"] == wanted
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    for name, version in wanted.items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    assert "npm ci" in DOCKERFILE
    parts = (ROOT / ".ci/parts").read_text()
    assert "npm ci" in parts
    assert "infra/images/agent" in parts
    assert not re.search(r"npm (install|i|add) ", parts + DOCKERFILE), "npm installs from the lock file only"


def test_lock_file_names_no_registry() -> None:
    lock = json.loads((IMAGE / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if "integrity" not in package] == []


def test_node_version_satisfies_every_package() -> None:
    major = int(re.findall(r"^FROM node:(\d+)", DOCKERFILE, re.MULTILINE)[0])
    lock = json.loads((IMAGE / "package-lock.json").read_text())
    engines = [package.get("engines", {}).get("node", "") for package in lock["packages"].values()]
    least = [int(number) for text in engines for number in re.findall(r">=\s*(\d+)", text)]
    assert max(least) <= major


def test_image_runs_as_the_pods_user_without_secrets() -> None:
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE)[-1] == "1000:1000"
    assert not re.search(r"^(ARG|ENV).*(KEY|TOKEN|SECRET|PASSWORD)", DOCKERFILE, re.MULTILINE)
    copied = re.findall(r"^COPY (.*) \./$", DOCKERFILE, re.MULTILINE)
    ignored = (IMAGE / ".dockerignore").read_text().splitlines()
    assert ignored == ["*", *(f"!{name}" for name in copied[0].split())]


def test_installed_parts_are_those_of_the_lock_file(program: Callable[[str, str], str]) -> None:
    parts = ROOT / ".parts/node_modules"
    program(str(parts / ".bin/codex"), "make parts, with npm installed")
    for name, version in json.loads((IMAGE / "package.json").read_text())["dependencies"].items():
        assert json.loads((parts / name / "package.json").read_text())["version"] == version
