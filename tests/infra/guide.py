"""The numbered steps of docs/install-cluster.md, run as written.

The steps run in a folder with copies of the files that they read. Two things differ from a real installation: without
nodes, `rollout status`, `wait ... Available` and `port-forward` succeed at once, and only kinds that the API server
has are applied from a kustomization.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.infra import manifests
from tests.support.control_plane import ControlPlane
from tests.support.installed import KUBERNETES, ROOT, kustomized

GUIDE = ROOT / "docs/install-cluster.md"
FUNCTIONS = r"""
set -euo pipefail
kubectl() {
  case " $* " in
    *" rollout status "* | *" port-forward "* | *"=Available "*) ;;
    " apply --kustomize "*) cat "$SERVED/${3//\//-}.yaml" | command kubectl apply --filename - ;;
    *) command kubectl "$@" ;;
  esac
}
orchestrator() { "$PYTHON" -m functions.clients "$@"; }
"""
"""Replacements of kubectl and of the installed command."""


def steps() -> dict[str, str]:
    """Return the commands of each step, by its title."""
    found = re.split(r"^\d+\. \*\*(.+?)\.\*\*", GUIDE.read_text().partition("\n## Components")[0], flags=re.MULTILINE)
    titles, texts = found[1::2], found[2::2]
    return {
        title: "\n".join(re.findall(r"^ {7}(.+)", text, re.MULTILINE))
        for title, text in zip(titles, texts, strict=True)
    }


def uninstall_runs() -> str:
    """Return the command that deletes every run, before the namespace is deleted."""
    (command,) = re.findall(r"^ {4}(kubectl .*delete coderuns.*)", GUIDE.read_text(), re.MULTILINE)
    return str(command)


@dataclass(frozen=True)
class Reader:
    """The guide's user, with an administrator's kubeconfig; `folder` is the working directory."""

    folder: Path
    plane: ControlPlane
    kubectl: str

    def prepare(self, settings: Mapping[str, str]) -> None:
        """Copy the files that the commands read, and enter `settings`, old text to new, in settings.yaml."""
        shutil.copytree(KUBERNETES, self.folder / "infra/kubernetes")
        shutil.copytree(ROOT / "crds", self.folder / "crds")
        file = self.folder / "infra/kubernetes/cluster/settings.yaml"
        text = file.read_text()
        for old, new in settings.items():
            assert old in text
            text = text.replace(old, new)
        file.write_text(text)
        (self.folder / "served").mkdir()
        for name in ("crds", "cluster"):
            items = manifests.served(self.kubectl, self.plane, self.rendered(name))
            (self.folder / f"served/infra-kubernetes-{name}.yaml").write_text(yaml.safe_dump_all(items))

    def rendered(self, name: str) -> list[manifests.Object]:
        """Return the objects of a kustomization of the reader's copy."""
        text = kustomized(self.kubectl, self.folder / "infra/kubernetes" / name)
        return [each for each in yaml.safe_load_all(text) if each]

    def follow(self, *titles: str, values: Mapping[str, str] | None = None, check: bool = True) -> str:
        """Run the commands of steps in one shell and return the output; `values` replace text of the guide."""
        script = "\n".join(steps()[title] for title in titles)
        for theirs, own in (values or {}).items():
            assert theirs in script, theirs
            script = script.replace(theirs, own)
        return self.run(script, check=check)

    def run(self, script: str, *, check: bool = True) -> str:
        """Run commands in the reader's folder and return their output."""
        environ = {
            "PATH": f"{Path(self.kubectl).parent}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "KUBECONFIG": str(self.plane.kubeconfig),
            "PYTHON": sys.executable,
            "PYTHONPATH": str(ROOT),
            "SERVED": str(self.folder / "served"),
        }
        command = ["bash", "-c", FUNCTIONS + script]
        done = subprocess.run(command, cwd=self.folder, env=environ, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0 or not check, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr
