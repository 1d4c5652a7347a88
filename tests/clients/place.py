"""A namespace for each test, with runs as functions would leave them."""

import itertools
from typing import Any

from functions.cluster.kinds import NAMESPACE, RUNS
from functions.runs import api_group
from functions.runs.model import naming
from functions.runs.model.specs import SPECS
from tests.clients.conftest import Ended, Functions
from tests.clients.in_process_cli import command
from tests.support.builders import CODE_SPEC, DOCS_SPEC

SINCE = "2026-01-02T03:04:05Z"
_numbers = itertools.count(1)


class Namespace:
    """The namespace, and the commands on it."""

    def __init__(self, functions: Functions) -> None:
        self.functions = functions
        self.name = f"place-{next(_numbers)}"
        metadata = {"name": self.name}
        functions.cluster.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    def put(self, name: str, kind: str = "CodeRun", status: Any = None, **spec: Any) -> dict[str, Any]:
        full = {**(CODE_SPEC if kind == "CodeRun" else DOCS_SPEC), **spec}
        metadata = {"name": name, "namespace": self.name, "labels": naming.labels(SPECS[kind].model_validate(full))}
        item = {"apiVersion": api_group.API_VERSION, "kind": kind, "metadata": metadata, "spec": full}
        made = self.functions.cluster.create(RUNS[kind], item)
        if status:
            made = self.functions.cluster.patch(RUNS[kind], self.name, name, {"status": status}, "status")
        return made

    def runs(self, *arguments: str, **environ: str) -> Ended:
        given = {"KUBECONFIG": str(self.functions.kubeconfig), "ORCHESTRATOR_NAMESPACE": self.name, **environ}
        return command("runs", *arguments, **given)

    def typed(self, text: str, *arguments: str) -> Ended:
        given = {"KUBECONFIG": str(self.functions.kubeconfig), "ORCHESTRATOR_NAMESPACE": self.name}
        return command("runs", *arguments, typed=text, **given)


def condition(truth: str, reason: str, message: str = "") -> list[dict[str, str]]:
    succeeded = {"type": "Succeeded", "status": truth, "reason": reason, "message": message}
    return [{**succeeded, "lastTransitionTime": SINCE}]


def ended(phase: str, reason: str, **more: Any) -> dict[str, Any]:
    truth = "True" if phase == "Succeeded" else "False"
    return {"phase": phase, "conditions": condition(truth, reason), **more}
