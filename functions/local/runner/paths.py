"""The paths of the runner's files: one directory for its state, with a layout like a node's disk."""

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The paths below `state`, an absolute path.

    pods/<uid>                    POD_ROOT: the root directory of the main container
    pods/<uid>.<name>             that of another container
    containers/<uid>/volumes      the targets of their mounts, except claims
    containers/<uid>[.<name>]     `started` and `exit.json` of the container's shim
    volumes/<namespace>/<claim>   the content of a claim; it outlives pods
    logs/<namespace>/<pod>.log    the main container's output; <pod>.times records its length over time;
                                  <pod>.ended is created when the log is complete
    logs/<namespace>/<pod>.<name>.log    that of another container
    runner.db                     the pod and the process of each Job
    runner.lock                   locked by the runner that uses the directory
    """

    state: Path

    def root(self, uid: str, name: str = "") -> Path:
        """Return the POD_ROOT of the main container, or of the one with that name."""
        return self.state / "pods" / _of(uid, name)

    def roots(self, uid: str) -> list[Path]:
        """Return every POD_ROOT of the pod that exists, the main container's first."""
        return [self.root(uid), *sorted((self.state / "pods").glob(f"{uid}.*"))]

    def container(self, uid: str, name: str = "") -> Path:
        """Return the directory of a container's shim."""
        return self.state / "containers" / _of(uid, name)

    def containers(self, uid: str) -> list[Path]:
        """Return the directories of all shims of the pod."""
        return [self.container(uid), *sorted((self.state / "containers").glob(f"{uid}.*"))]

    def volumes(self, uid: str) -> Path:
        """Return the directory of the pod's own volumes."""
        return self.container(uid) / "volumes"

    def claim(self, namespace: str, name: str) -> Path:
        """Return the directory with the content of a PersistentVolumeClaim."""
        return self.state / "volumes" / namespace / name

    def log(self, namespace: str, pod: str, name: str = "") -> Path:
        """Return the file of a container's output."""
        return self.state / "logs" / namespace / f"{_of(pod, name)}.log"

    def logs(self, namespace: str, pod: str) -> list[Path]:
        """Return the files of all containers' output, with those beside them."""
        return sorted((self.state / "logs" / namespace).glob(f"{pod}.*"))

    def log_end(self, namespace: str, pod: str) -> Path:
        """Return the file that exists when the log is complete."""
        return self.log(namespace, pod).with_suffix(".ended")

    @property
    def database(self) -> Path:
        """The file of the runner's records."""
        return self.state / "runner.db"

    @property
    def lock(self) -> Path:
        """The file of the runner's lock."""
        return self.state / "runner.lock"


def _of(owner: str, name: str) -> str:
    return f"{owner}.{name}" if name else owner


def remove_tree(path: Path) -> None:
    """Delete a directory with its content, if it exists; do not follow links."""
    if not path.is_dir():
        return
    for directory in _directories(path):
        directory.chmod(stat.S_IRWXU)  # an agent may have made it read-only (a module cache is)
    shutil.rmtree(path)


def _directories(path: Path) -> Iterator[Path]:
    yield path
    for parent, names, _ in os.walk(path):
        yield from (child for name in names if not (child := Path(parent, name)).is_symlink())
