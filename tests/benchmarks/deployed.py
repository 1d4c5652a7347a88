"""Functions as they are deployed: a compiled copy of the code, served by functions-framework with one worker."""

import compileall
import http.client
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from functions.local.dev.server import free_port

ROOT = Path(__file__).resolve().parents[2]
BARE = "tests/benchmarks/bare"
START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Post:
    """A request, and the code of the answer that says that its work is done."""

    body: bytes
    headers: Mapping[str, str]
    code: int = 204


class Release:
    """A folder with the compiled code, as a build leaves it, and the bare functions beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("functions", "templates", BARE):
            ignored = shutil.ignore_patterns("__pycache__", "local", "clients")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        compileall.compile_dir(folder, quiet=2)
        subprocess.run([sys.executable, "-m", "functions.templating.compile"], cwd=folder, check=True)

    def serving(self, target: str, environ: Mapping[str, str]) -> AbstractContextManager["Served"]:
        """Serve a function of the product in a new process, until the block ends."""
        return self._serving("functions/main.py", target, environ)

    def serving_bare(self, name: str, environ: Mapping[str, str]) -> AbstractContextManager["Served"]:
        """Serve a bare function, the module of that name in bare/, in a new process until the block ends."""
        return self._serving(f"{BARE}/{name}.py", name, environ)

    @contextmanager
    def _serving(self, source: str, target: str, environ: Mapping[str, str]) -> Iterator["Served"]:
        port = free_port()
        command = [sys.executable, "-m", "functions_framework", "--source", source, "--target", target]
        plain = {name: text for name, text in os.environ.items() if not name.startswith(("ORCHESTRATOR_", "PYTHON"))}
        with (self.folder / f"{target}.log").open("ab") as log:
            begun = time.perf_counter()
            process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(port)],
                cwd=self.folder,
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
    """A function that serves or is starting."""

    process: subprocess.Popen[bytes]
    port: int
    begun: float

    def until_answered(self, post: Post) -> float:
        """Return the seconds from the start of the process to the answer to its first request."""
        self.first_answer(post)
        return time.perf_counter() - self.begun

    def first_answer(self, post: Post) -> bytes:
        """Return the answer to the first request, which is sent as soon as the process listens."""
        while True:
            try:
                return self.post(post)
            except ConnectionRefusedError:
                assert self.process.poll() is None, "the function ended"
                assert time.perf_counter() - self.begun < START_SECONDS, "the function did not start"
                time.sleep(0.001)

    def post(self, post: Post) -> bytes:
        """Return the body of the answer to a request on a new connection; the answer must have the right code."""
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
        """Memory of the process and its workers: PSS, which counts a shared page once."""
        root = psutil.Process(self.process.pid)
        return sum(each.memory_full_info().pss for each in [root, *root.children(recursive=True)]) / 1e6
