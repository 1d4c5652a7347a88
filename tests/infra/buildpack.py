"""What Google's buildpack makes of the source archive: an environment with its requirements alone, and a process.

As it does: `pip install --no-compile`, what is unpacked compiled afterwards, the function named by FUNCTION_TARGET,
the root of the archive as the working directory (GoogleCloudPlatform/buildpacks, cmd/python/functions_framework and
pkg/python/python.go).
"""

import contextlib
import os
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import urllib3

from functions.local.dev.server import free_port

START_SECONDS = 60.0
EPOCH = {"SOURCE_DATE_EPOCH": "315532800"}
"""Set in infra/terraform/functions.tf: .pyc files then hold hashes, so that an image's rewritten times spoil none."""


@dataclass(frozen=True)
class Release:
    """An unpacked archive, and the interpreter of its environment."""

    folder: Path
    python: Path

    @contextlib.contextmanager
    def serving(self, target: str, environ: Mapping[str, str]) -> Iterator[str]:
        """The URL of a function that answers, until the block ends."""
        port = free_port()
        given = _clean() | {"FUNCTION_TARGET": target, "PORT": str(port), "HOST": "127.0.0.1"} | dict(environ)
        command = [str(self.python.with_name("functions-framework"))]
        log = self.folder.parent / f"{target}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=self.folder, env=given, stdout=output, stderr=output)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(f"{url}/health", process, log)
            yield url
        finally:
            process.terminate()
            process.wait(30)


def build(archive: Path, folder: Path) -> Release:
    """Unpacks it and installs its requirements, which takes half a minute."""
    source = folder / "workspace"
    zipfile.ZipFile(archive).extractall(source)
    environment = folder / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "--quiet"]
    requirements = ["install", "--no-compile", "--requirement", str(source / "requirements.txt")]
    done = subprocess.run([*pip, *requirements], env=_clean(), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    compiled = subprocess.run(
        [str(python), "-m", "compileall", "-f", "-q", "."], cwd=source, env=_clean() | EPOCH, timeout=120
    )
    assert compiled.returncode == 0
    return Release(source, python)


def _clean() -> dict[str, str]:
    """This process's environment without what would help the function."""
    ours = ("ORCHESTRATOR_", "PYTHON", "FUNCTION_", "VIRTUAL_ENV")
    return {name: text for name, text in os.environ.items() if not name.startswith(ours)}


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            answer = urllib3.request("GET", url, retries=False, timeout=30)
            assert answer.status == 200, log.read_text()
            assert answer.json()["status"] == "ok"
            return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)
