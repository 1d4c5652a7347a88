"""The project's images, built from their Dockerfiles without a container engine, and programs that run in them.

`IMAGES_CHECK` names a directory with two programs: `bases IMAGE...` makes substitutes for the base images from Debian's
packages, `flags` prints the options with which a build reaches the package registries. buildah builds the images; an
image built earlier from the same files is reused.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tests.support.installed import ROOT

HINT = "IMAGES_CHECK names no directory with the programs `bases` and `flags`; buildah and debootstrap are needed too"
FOLDERS = {
    "orchestrator": ROOT / "infra/images/orchestrator",
    "agent": ROOT / "infra/images/agent",
    "rehearsal": ROOT / "infra/kubernetes/rehearsal",
}
"""The folder of each image's Dockerfile."""
CONTEXTS = {"orchestrator": ROOT, "agent": FOLDERS["agent"], "rehearsal": ROOT}
BASES = {"rehearsal": "agent"}
"""Images that are built from another image of the project."""
KEPT = 4
"""Number of builds of an image that stay in storage: other test runs on this machine may use them."""
BUILD_SECONDS = 900
VERSION, REVISION = "9.8.7", "0123abc"
ISOLATION = {"BUILDAH_ISOLATION": "chroot"}

ROOT_FILE_SYSTEM = r"""
set -euo pipefail
layers=$(mktemp -d) && mount -t tmpfs layers "$layers" && mkdir "$layers"/{upper,work,root}
root=$layers/root
mount -t overlay image -o "lowerdir=$IMAGE_ROOT,upperdir=$layers/upper,workdir=$layers/work" "$root"
mkdir -p "$root"/{proc,dev,tmp}
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 dev "$root/dev"
for each in null zero random urandom; do touch "$root/dev/$each"; mount --bind "/dev/$each" "$root/dev/$each"; done
ln -s /proc/self/fd "$root/dev/fd"
"""
"""Bash script for a mount namespace: overlays $IMAGE_ROOT writably at $root and adds a container's mounts."""

READ_ONLY = r"""
for each in $WRITABLE; do mkdir -p "$root$each"; mount -t tmpfs -o mode=1777 writable "$root$each"; done
for each in $SHOWN; do mkdir -p "$root$each"; mount --bind "$each" "$root$each"; done
for each in $MOUNTED; do
  chroot "$root" mkdir -p "${each#*:}"
  target=$root$(chroot "$root" realpath "${each#*:}")  # /var/run is an absolute link
  mount --bind "${each%%:*}" "$target"
  mount -o remount,bind,ro "$target"
done
mount -o remount,ro "$root"
exec chroot "$root" setpriv --reuid="${AS%:*}" --regid="${AS#*:}" --clear-groups --no-new-privs --bounding-set=-all \
  --inh-caps=-all env --ignore-environment "$@"
"""


@dataclass(frozen=True)
class Image:
    """A built image: the folder of its files, and its configuration (OCI image specification, config)."""

    root: Path
    config: Mapping[str, Any]
    size: int

    @cached_property
    def environ(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.config["Env"])

    def start(
        self,
        command: Sequence[str],
        *,
        environ: Mapping[str, str] | None = None,
        user: str = "",
        writable: Sequence[str] = ("/tmp",),
        shown: Sequence[Path] = (),
        mounted: Mapping[str, Path] | None = None,
        **options: Any,
    ) -> subprocess.Popen[Any]:
        """Start a program as a kubelet would: the image's user and variables, no capability, a read-only root.

        `writable` are empty volumes, `shown` directories of this machine at the same path, `mounted` directories of
        this machine by their path in the container, read-only. The network is the machine's. The program ends with
        this process.
        """
        variables = [f"{name}={text}" for name, text in {**self.environ, **(environ or {})}.items()]
        setup = {
            "PATH": os.environ["PATH"],
            "IMAGE_ROOT": str(self.root),
            "AS": user or self.config["User"],
            "WRITABLE": " ".join(writable),
            "SHOWN": " ".join(map(str, shown)),
            "MOUNTED": " ".join(f"{folder}:{path}" for path, folder in (mounted or {}).items()),
        }
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        script = ["/bin/bash", "-c", ROOT_FILE_SYSTEM + READ_ONLY, "run"]
        return subprocess.Popen([*namespaces, *script, *variables, *command], env=setup, **options)

    def run(self, *command: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run a program and return its result with text output."""
        with self.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options) as process:
            out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(command, process.returncode, out, err)


def built(name: str) -> Image:
    """Build an image, or find it in storage; without the tools skip the test, or fail in CI."""
    tools = _tools()
    if name in BASES:
        built(BASES[name])
    with _lock():
        tag = _tag(name)
        if not _buildah("images", "--quiet", "--filter", f"reference={tag}"):
            _build(tools, name, tag)
            _remove_old(name)
        container = tag.replace("/", "-").replace(":", "-")
        if container not in _buildah("containers", "--format", "{{.ContainerName}}").split():
            _buildah("from", "--pull-never", "--name", container, tag)
        root = Path(_buildah("mount", container))
        found = json.loads(_buildah("inspect", "--type", "image", tag))
    return Image(root, found["OCIv1"]["config"], _size(root))


def _tag(name: str) -> str:
    """Return the name of the image built from the present files."""
    return f"localhost/orchestrator-test-{name}:{_sum(name)}"


def _tools() -> Path:
    folder = Path(os.environ.get("IMAGES_CHECK") or "/nonexistent")
    able = (folder / "bases").exists() and shutil.which("buildah") and shutil.which("debootstrap")
    if able and os.getuid() == 0:
        return folder
    message = HINT if not able else "needs root, to build an image"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def _build(tools: Path, name: str, tag: str) -> None:
    folder = FOLDERS[name]
    bases = (
        set()
        if name in BASES
        else set(re.findall(r"^FROM (\S+:\S+)", (folder / "Dockerfile").read_text(), re.MULTILINE))
    )
    missing = [base for base in sorted(bases) if not _buildah("images", "--quiet", "--filter", f"reference={base}")]
    if missing:
        _call([str(tools / "bases"), *missing])
    (ignored,) = [*folder.glob("Dockerfile.dockerignore"), *folder.glob(".dockerignore")]
    flags = _call([str(tools / "flags")]).split()
    arguments = [f"--build-arg=VERSION={VERSION}", f"--build-arg=REVISION={REVISION}", f"--ignorefile={ignored}"]
    files = ["--file", str(folder / "Dockerfile"), str(CONTEXTS[name])]
    arguments += [f"--from={_tag(BASES[name])}"] if name in BASES else []
    _buildah("build", "--layers", "--pull-never", *flags, *arguments, "--tag", tag, *files)


def _sum(name: str) -> str:
    """Return the digest of the files that the build reads."""
    folder, context = FOLDERS[name], CONTEXTS[name]
    names = [folder / "Dockerfile"]
    for rule in next(iter([*folder.glob("*.dockerignore"), folder / ".dockerignore"])).read_text().splitlines():
        if rule.startswith("!"):
            given = context / rule[1:]
            names += [given] if given.is_file() else [path for path in given.rglob("*") if path.is_file()]
    read = sorted(path for path in names if not {"__pycache__", ".compiled"} & set(path.parts))
    digest = hashlib.sha256(_sum(BASES[name]).encode() if name in BASES else b"")
    for path in read:
        digest.update(f"{path.relative_to(ROOT)} {path.stat().st_mode:o} ".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _size(root: Path) -> int:
    """Return the size of all files in bytes."""
    return int(_call(["du", "--summarize", "--bytes", "--one-file-system", str(root)]).split()[0])


def _remove_old(name: str) -> None:
    reference = f"localhost/orchestrator-test-{name}"
    listed = _buildah(
        "images", "--format", "{{.CreatedAtRaw}} {{.Name}}:{{.Tag}}", "--filter", f"reference={reference}"
    )
    tags = [line.split()[-1] for line in sorted(listed.splitlines(), reverse=True)]
    for tag in tags[KEPT:]:
        subprocess.run(["buildah", "rm", tag.replace("/", "-").replace(":", "-")], env=_environ(), capture_output=True)
        subprocess.run(["buildah", "rmi", tag], env=_environ(), capture_output=True)


def _buildah(*arguments: str) -> str:
    return _call(["buildah", *arguments])


def _call(command: Sequence[str]) -> str:
    done = subprocess.run(command, env=_environ(), capture_output=True, text=True, timeout=BUILD_SECONDS)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout.strip()


def _environ() -> dict[str, str]:
    """Return the environment without Python's variables, which would reach pip in a build."""
    return {**{name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}, **ISOLATION}


@contextmanager
def _lock() -> Iterator[None]:
    """Allow one build at a time on this machine."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "orchestrator-images.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
