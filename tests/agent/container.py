"""The containers of a pod without a container engine: namespaces, read-only roots, own mounts and users.

Each program is process 1 of a PID namespace, so that no process outlives it and neither container sees the other's
processes. Both use the machine's network, so that they reach servers on loopback.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from functions.manifests.broker import KEY_MODE
from functions.manifests.broker import USER as BROKER_USER
from functions.manifests.pod import USER
from functions.runs.model import report
from functions.runs.model.run_spec import RunSpec
from tests.agent.sshd import SshServer
from tests.agent.world import Pod, World, at, plain_settings
from tests.support import images
from tests.support.images import Image
from tests.support.installed import ROOT

MACHINE = r"""
set -euo pipefail
root=$(mktemp -d) && mount -t tmpfs -o mode=755 root "$root"
mkdir -p "$root"/{proc,dev,etc,opt}
for each in /usr /bin /sbin /lib /lib64; do
  if [[ -L $each ]]; then
    cp -P "$each" "$root$each"
  elif [[ -d $each ]]; then
    mkdir "$root$each"
    mount --bind "$each" "$root$each" && mount -o remount,ro,bind "$root$each"
  fi
done
cp -a /etc/{ld.so.cache,nsswitch.conf,ssl,alternatives} "$root/etc/"
printf 'agent:x:1000:1000::/home/agent:/bin/bash\nbroker:x:65532:65532::/:/bin/false\n' >"$root/etc/passwd"
mount -t proc proc "$root/proc"
for each in null zero random urandom; do touch "$root/dev/$each"; mount --bind "/dev/$each" "$root/dev/$each"; done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/opt/parts"
mount --bind "$PARTS" "$root/opt/parts" && mount -o remount,ro,bind "$root/opt/parts"
"""
"""Bash, run in a mount namespace: builds $root from this machine's programs and the agent CLIs of $PARTS."""

POD = r"""
show() { mount --bind "$1" "$root$2" && mount -o remount,ro,bind "$root$2"; }
mkdir -p "$root"/{tmp,config,workspace,home/agent,run/broker,etc/claude-code}
touch "$root/dev/termination-log" "$root/etc/claude-code/"{managed-settings.json,CLAUDE.md}
for each in config run/broker; do show "$POD/$each" "/$each"; done
for each in home/agent tmp workspace dev/termination-log; do mount --bind "$POD/$each" "$root/$each"; done
show "$POD/config/settings.json" /etc/claude-code/managed-settings.json
[[ ! -f $POD/config/CLAUDE.md ]] || show "$POD/config/CLAUDE.md" /etc/claude-code/CLAUDE.md
mount -o remount,ro "$root"
exec /usr/sbin/chroot "$root" setpriv --reuid=1000 --regid=1000 --clear-groups --no-new-privs --bounding-set=-all \
  --inh-caps=-all env --ignore-environment "$@" /bin/bash -c 'cd /workspace && exec /bin/bash /config/container.sh'
"""
"""Bash, run after MACHINE or an image's root: mounts the agent's volumes, then runs its script as uid 1000."""

BROKER = rf"""
show() {{ mkdir -p "$root$2"; mount --bind "$1" "$root$2" && mount -o remount,ro,bind "$root$2"; }}
for each in config secrets; do show "$POD/$each" "/$each"; done
for each in $PLACES; do show "$each" "$each"; done
mkdir -p "$root/run/broker" && mount --bind "$POD/run/broker" "$root/run/broker"
mount -o remount,ro "$root"
exec /usr/sbin/chroot "$root" setpriv --reuid={BROKER_USER} --regid={USER} --clear-groups --no-new-privs \
  --bounding-set=-all --inh-caps=-all env --ignore-environment "$@"
"""
"""Bash, run after MACHINE: mounts the broker's volumes and the Python of $PLACES, then runs the broker."""

PATHS = "/opt/parts/node_modules/.bin:/usr/local/bin:/usr/bin:/bin"


@dataclass
class Container:
    """A pod of a test, run as a kubelet would run it."""

    pod: Pod
    broker_environ: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    broker: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self.pod.root / "container-log").read_text()

    def start(self, parts: Path, environ: Mapping[str, str]) -> "Container":
        """Start with the programs of this machine and the agent CLIs of `parts`."""
        return self._start(MACHINE, {"PARTS": str(parts)}, {"PATH": PATHS} | dict(environ))

    def start_in(self, image: Image, environ: Mapping[str, str]) -> "Container":
        """Start with the files of a built image."""
        return self._start(images.ROOT_FILE_SYSTEM, {"IMAGE_ROOT": str(image.root)}, image.environ | dict(environ))

    def _start(self, root: str, setup: Mapping[str, str], environ: Mapping[str, str]) -> "Container":
        self._own_volumes()
        self._start_broker()
        given = {"HOME": "/home/agent", "POD_UID": "pod-uid-c", **environ}
        self.process = self._run("container", root + POD, {"POD": str(self.pod.root), **setup}, _variables(given))
        return self

    def _start_broker(self) -> None:
        places = dict.fromkeys(map(str, (sys.base_prefix, sys.prefix, ROOT / "functions")))
        setup = {"POD": str(self.pod.mounts.root), "PARTS": "/usr/share", "PLACES": " ".join(places)}
        environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **self.broker_environ}
        command = [*_variables(environ), sys.executable, "-m", "functions.broker"]
        self.broker = self._run("broker", MACHINE + BROKER, setup, command)

    def _run(self, name: str, script: str, setup: Mapping[str, str], arguments: list[str]) -> "subprocess.Popen[bytes]":
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        with (self.pod.root / f"{name}-log").open("wb") as log:
            return subprocess.Popen(
                [*command, "/bin/bash", "-c", script, "setup", *arguments],
                env={"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **setup},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _own_volumes(self) -> None:
        """Set owners and modes as a kubelet does with fsGroup: the group's files, writable volumes group-writable."""
        root, mounts = self.pod.root, self.pod.mounts
        for path in (*(root / "config").rglob("*"), *(mounts.root / "config").rglob("*")):
            path.chmod(0o444)
        for path in mounts.secrets.rglob("*"):
            os.chown(path, 0, USER)
            path.chmod(0o750 if path.is_dir() else KEY_MODE)
        for path in ((root / "workspace").resolve(), root / "home/agent", root / "tmp", mounts.shared):
            os.chown(path, 0, USER)
            path.chmod(0o2775)
        for path in (root / "config", mounts.root / "config", mounts.secrets):
            path.chmod(0o755)
        (root / "dev/termination-log").touch()
        (root / "dev/termination-log").chmod(0o666)

    def wait(self, seconds: float = 90) -> report.Report:
        assert self.process
        self.process.wait(seconds)
        result = report.read((self.pod.root / "dev/termination-log").read_text())
        assert result, self.log
        return result

    def end(self) -> None:
        """End process 1, and with it all others. It outlives unshare: a change of user ends --kill-child (prctl(2))."""
        for process in (self.process, self.broker):
            if process and process.poll() is None:
                for first in psutil.Process(process.pid).children():
                    first.kill()
                process.wait(30)


def _variables(environ: Mapping[str, str]) -> list[str]:
    return [f"{name}={text}" for name, text in environ.items()]


def prepared(
    world: World, server: SshServer, spec: RunSpec, model_url: str, **settings: Any
) -> tuple[Container, dict[str, str]]:
    """Return the container of an attempt whose remotes are behind `server`, and the environment of its agent CLI."""
    settings = {"github": {"known_hosts": [server.host_key]}, **at(model_url), **settings}
    secrets = {"ssh/id_ed25519": server.private_key}
    pod = world.pod(world.task(spec), settings=plain_settings(**settings), secrets=secrets)
    redirect = {name: value for name, value in pod.environ.items() if name.startswith("GIT_CONFIG_")}
    return Container(pod), redirect
