"""Functions as they are deployed: a compiled copy of the code, served by functions-framework, one worker."""

import compileall
import http.client
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from functions.local.dev.server import free_port

ROOT = Path(__file__).resolve().parents[2]
EMPTY = """import functions_framework


@functions_framework.http
def empty(request):
    request.get_data()
    return "ok"
"""
"""The least that a function can be."""
START_SECONDS = 30.0


@dataclass(frozen=True)
class Post:
    """A request, and the code that says its work was done."""

    body: bytes
    headers: Mapping[str, str]
    code: int = 204


class Release:
    """A folder with the code, compiled, as a build leaves it; and the empty function beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("functions", "templates"):
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "local", "clients")
            )
        (folder / "empty.py").write_text(EMPTY)
        compileall.compile_dir(folder, quiet=2)

    @contextmanager
    def serving(self, target: str, environ: Mapping[str, str]) -> Iterator["Served"]:
        """The function in a process of its own, just started; ended with the block."""
        source = self.folder / ("empty.py" if target == "empty" else "functions/main.py")
        port = free_port()
        command = [sys.executable, "-m", "functions_framework", "--source", str(source), "--target", target]
        plain = {name: text for name, text in os.environ.items() if not name.startswith(("ORCHESTRATOR_", "PYTHON"))}
        with (self.folder / f"{target}.log").open("ab") as log:
            begun = time.perf_counter()
            process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(port)],
                env={**plain, "CLOUD_RUN_TIMEOUT_SECONDS": "60", **environ},
                stdout=log,
                stderr=log,
            )
        try:
            yield Served(process, port, begun)
        finally:
            for each in psutil.Process(process.pid).children(recursive=True):
                each.terminate()
            process.terminate()
            process.wait(15)


@dataclass
class Served:
    """A function that serves, or is about to."""

    process: subprocess.Popen[bytes]
    port: int
    begun: float

    def until_answered(self, post: Post) -> float:
        """Seconds from the start of the process to the answer to its first request."""
        self.first_answer(post)
        return time.perf_counter() - self.begun

    def first_answer(self, post: Post) -> bytes:
        """The answer to its first request, which is sent once it listens."""
        while True:
            try:
                return self.post(post)
            except ConnectionRefusedError:
                assert self.process.poll() is None, "the function ended"
                assert time.perf_counter() - self.begun < START_SECONDS, "the function did not start"
                time.sleep(0.001)

    def post(self, post: Post) -> bytes:
        """The answer to it, on a connection of its own; it must have the right code."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", "/", post.body, dict(post.headers))
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        assert answer.status == post.code, f"answered {answer.status}: {text[:300]!r}"
        return text

    @property
    def megabytes(self) -> float:
        """Memory of the process and its workers, each page shared by several counted once (PSS)."""
        root = psutil.Process(self.process.pid)
        return sum(each.memory_full_info().pss for each in [root, *root.children(recursive=True)]) / 1e6
