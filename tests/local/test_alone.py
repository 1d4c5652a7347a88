"""Each function starts alone, with the ordinary command, from an unpacked copy in which nothing was installed."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import urllib3

from functions.events.topology import FUNCTIONS
from functions.local.dev.server import free_port

ROOT = Path(__file__).resolve().parents[2]
CLEAN = {name: text for name, text in os.environ.items() if not name.startswith(("ORCHESTRATOR_", "PYTHONPATH"))}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    for name in ("functions", "templates"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def command(unpacked: Path, target: str, port: int) -> list[str]:
    framework = shutil.which("functions-framework", path=str(Path(sys.executable).parent))
    assert framework, "functions-framework is installed beside the interpreter"
    source = str(unpacked / "functions" / "main.py")
    return [framework, "--source", source, "--target", target, "--host", "127.0.0.1", "--port", str(port)]


@pytest.mark.parametrize("target", FUNCTIONS)
def test_a_function_answers_from_an_unpacked_copy(unpacked: Path, target: str, tmp_path: Path) -> None:
    port = free_port()
    environ = CLEAN | {"ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent"}
    process = subprocess.Popen(command(unpacked, target, port), cwd=tmp_path, env=environ, stderr=subprocess.PIPE)
    try:
        end = time.monotonic() + 30
        while True:
            try:
                answer = urllib3.request("GET", f"http://127.0.0.1:{port}/health", retries=False, timeout=2)
                break
            except urllib3.exceptions.HTTPError:
                assert process.poll() is None, process.stderr.read() if process.stderr else ""
                assert time.monotonic() < end
                time.sleep(0.05)
        assert (answer.status, answer.json()["status"]) == (200, "ok")
        refused = urllib3.request("POST", f"http://127.0.0.1:{port}/", body=b"{", retries=False, timeout=30)
        assert refused.status == (503 if target == "sweep" else 400 if "submit" not in target else 415)
    finally:
        process.terminate()
        process.wait(10)


def test_without_an_image_a_function_does_not_start_and_names_the_setting(unpacked: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        command(unpacked, "reconcile", free_port()),
        cwd=tmp_path,
        env=CLEAN,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode != 0
    assert b'"severity": "ERROR"' in done.stderr
    assert b"ORCHESTRATOR_AGENT" in done.stderr
