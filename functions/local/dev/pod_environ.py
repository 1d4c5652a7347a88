"""The environment that a container of a pod gets on this machine, beyond what its pod declares."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.kinds import RUNS
from functions.local.dev import agent_clis
from functions.local.dev.repositories import Mirror, redirect
from functions.runs import api_group
from functions.runs.model.kinds import BY_WORD
from functions.runs.model.run import parse

ROOT = Path(__file__).resolve().parents[3]
REHEARSAL = ROOT / "functions" / "local" / "rehearsal_agent.py"
PASSED_TO_AGENT = (
    "REHEARSAL_SECONDS",
    "REHEARSAL_LOG",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    "HTTPS_PROXY",
    "NO_PROXY",
)
"""Environment variables of `orchestrator` that agents' containers get too."""
PASSED_TO_BROKER = ("HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE")
"""Those that brokers get."""


class PodEnviron:
    """Returns the variables for a container of a pod; `environ` is that of `orchestrator`."""

    def __init__(self, environ: Mapping[str, str], mirrors: Sequence[Mirror], cluster: Cluster) -> None:
        self._environ, self._mirrors, self._cluster = environ, mirrors, cluster

    def __call__(self, pod: Mapping[str, Any], container: str) -> Mapping[str, str]:
        """Return the variables added to the environment that a pod declares for a container."""
        if container == "broker":
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
            return {"PATH": path, "PYTHONPATH": str(ROOT), **self._passed(PASSED_TO_BROKER)}
        environ = dict(redirect(self._mirrors)) | {"PATH": self._environ.get("PATH", os.defpath)}
        if not agent_clis.is_ready(self._agent_cli(pod), self._environ):
            environ["AGENT_COMMAND"] = shlex.join([sys.executable, "-I", str(REHEARSAL)])
        return environ | self._passed(PASSED_TO_AGENT)

    def _passed(self, names: Sequence[str]) -> dict[str, str]:
        return {name: value for name in names if (value := self._environ.get(name))}

    def _agent_cli(self, pod: Mapping[str, Any]) -> str:
        """Return the agent CLI of the pod's run."""
        namespace, labels = pod["metadata"]["namespace"], pod["metadata"]["labels"]
        kind = BY_WORD[labels[api_group.label("kind")]]
        run = parse(self._cluster.get(RUNS[kind], namespace, labels[api_group.label("run")]))
        return run.spec.agent_cli if run.spec else ""
