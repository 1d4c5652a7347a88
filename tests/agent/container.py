"""A pod's container without a container engine: namespaces, a read-only root, the pod's mounts, uid 1000.

The program is process 1 of a PID namespace, so that nothing outlives it. The network is the machine's, so that it
reaches servers on loopback.
"""

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from functions.manifests.pod import KEY_MODE, USER
from functions.runs.model import report
from tests.agent.world import Pod

SETUP = r"""
set -euo pipefail
new=$1 pod=$2 parts=$3
show() { mount --bind "$1" "$new$2" && mount -o remount,ro,bind "$new$2"; }
mount -t tmpfs -o mode=755 root "$new"
mkdir -p "$new"/{proc,dev,tmp,config,workspace,home/agent,secrets,opt/parts,etc/claude-code}
for each in /usr /bin /sbin /lib /lib64; do
  if [[ -L $each ]]; then
    cp -P "$each" "$new$each"
  elif [[ -d $each ]]; then
    mkdir "$new$each"
    show "$each" "$each"
  fi
done
cp -a /etc/{ld.so.cache,nsswitch.conf,ssl,alternatives} "$new/etc/"
printf 'agent:x:1000:1000::/home/agent:/bin/bash\n' >"$new/etc/passwd"
mount -t proc proc "$new/proc"
for each in null zero random urandom; do touch "$new/dev/$each"; mount --bind "/dev/$each" "$new/dev/$each"; done
ln -s /proc/self/fd "$new/dev/fd"
touch "$new/dev/termination-log" "$new/etc/claude-code/"{managed-settings.json,CLAUDE.md}
for each in config secrets; do show "$pod/$each" "/$each"; done
for each in home/agent tmp workspace dev/termination-log; do mount --bind "$pod/$each" "$new/$each"; done
show "$pod/config/settings.json" /etc/claude-code/managed-settings.json
[[ ! -f $pod/config/CLAUDE.md ]] || show "$pod/config/CLAUDE.md" /etc/claude-code/CLAUDE.md
show "$parts" /opt/parts
mount -o remount,ro "$new"
exec /usr/sbin/chroot "$new" setpriv --reuid=1000 --regid=1000 --clear-groups --no-new-privs --bounding-set=-all \
  --inh-caps=-all /bin/bash -c 'cd /workspace && exec /bin/bash /config/container.sh'
"""


@dataclass
class Container:
    """A pod of the world's, run as a kubelet would."""

    pod: Pod
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self.pod.root / "container-log").read_text()

    def start(self, parts: Path, environ: Mapping[str, str]) -> "Container":
        root = self.pod.root
        self._own_volumes()
        (root / "new").mkdir()
        known = {"PATH": "/opt/parts/node_modules/.bin:/usr/local/bin:/usr/bin:/bin", "HOME": "/home/agent"}
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        with (root / "container-log").open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "/bin/bash", "-c", SETUP, "setup", str(root / "new"), str(root), str(parts)],
                env={**known, "POD_UID": "pod-uid-c", **environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    def _own_volumes(self) -> None:
        """As a kubelet leaves them with fsGroup: the group's, and writable where they are to be."""
        root = self.pod.root
        for path in (root / "config").rglob("*"):
            path.chmod(0o444)
        for path in (root / "secrets").rglob("*"):
            os.chown(path, 0, USER)
            path.chmod(0o750 if path.is_dir() else KEY_MODE)
        for path in ((root / "workspace").resolve(), root / "home/agent", root / "tmp"):
            os.chown(path, 0, USER)
            path.chmod(0o2775)
        (root / "config").chmod(0o755)
        (root / "secrets").chmod(0o755)
        (root / "dev/termination-log").touch()
        (root / "dev/termination-log").chmod(0o666)

    def wait(self, seconds: float = 90) -> report.Report:
        assert self.process
        self.process.wait(seconds)
        told = report.read((self.pod.root / "dev/termination-log").read_text())
        assert told, self.log
        return told

    def end(self) -> None:
        """Process 1 goes with its parent, and all others with process 1."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
