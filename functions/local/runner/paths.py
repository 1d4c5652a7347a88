"""Where the runner keeps what: one directory for its state, laid out like a node's disk."""

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Paths below `state`, which is absolute.

    pods/<uid>                    POD_ROOT: what the container sees as /
    containers/<uid>/volumes      what its mounts point to, but for claims
    containers/<uid>              `started` and `exit.json` of the shim
    volumes/<namespace>/<claim>   what a claim holds; it outlives pods
    logs/<namespace>/<pod>.log    what the container printed; <pod>.times how long it was when;
                                  <pod>.ended is made when nothing more comes
    runner.db                     which pod and process belong to which Job
    runner.lock                   is locked by the one runner that works here
    """

    state: Path

    def root(self, uid: str) -> Path:
        """The pod's POD_ROOT."""
        return self.state / "pods" / uid

    def container(self, uid: str) -> Path:
        """The shim's directory."""
        return self.state / "containers" / uid

    def volumes(self, uid: str) -> Path:
        """The pod's own volumes."""
        return self.container(uid) / "volumes"

    def claim(self, namespace: str, name: str) -> Path:
        """What a PersistentVolumeClaim holds."""
        return self.state / "volumes" / namespace / name

    def log(self, namespace: str, pod: str) -> Path:
        """The container's output."""
        return self.state / "logs" / namespace / f"{pod}.log"

    def log_end(self, namespace: str, pod: str) -> Path:
        """Is there when the log is complete."""
        return self.log(namespace, pod).with_suffix(".ended")

    @property
    def database(self) -> Path:
        """The runner's records."""
        return self.state / "runner.db"

    @property
    def lock(self) -> Path:
        """The runner's lock."""
        return self.state / "runner.lock"


def remove_tree(path: Path) -> None:
    """Deletes a directory with everything in it, if it is there; links are not followed."""
    if not path.is_dir():
        return
    for directory in _directories(path):
        directory.chmod(stat.S_IRWXU)  # an agent may have made it read-only (a module cache is)
    shutil.rmtree(path)


def _directories(path: Path) -> Iterator[Path]:
    yield path
    for parent, names, _ in os.walk(path):
        yield from (child for name in names if not (child := Path(parent, name)).is_symlink())
