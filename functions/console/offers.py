"""The actions that a person may take on a run: retry and cancel."""

from dataclasses import dataclass
from typing import Literal

from functions.cluster.errors import ClusterError
from functions.cluster.kinds import RUNS, Kind
from functions.console.context import Console
from functions.runs import requests
from functions.runs.model.run import Run
from functions.runs.requests import RequestRefused

Action = Literal["retry", "cancel"]
REVIEW = Kind("authorization.k8s.io/v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews")


@dataclass(frozen=True, slots=True)
class Offered:
    """The actions that the page offers."""

    retry: bool = False
    cancel: bool = False


def offered(console: Console, run: Run) -> Offered:
    """Return the actions that the run's state and the person's rights allow."""
    if not console.access.may_change:
        return Offered()
    can = Offered(retry=_accepts(run, "retry"), cancel=_accepts(run, "cancel"))
    return can if (can.retry or can.cancel) and _may_patch(console, run) else Offered()


def _accepts(run: Run, action: Action) -> bool:
    try:
        patch = requests.retry(run) if action == "retry" else requests.cancel(run)
    except RequestRefused:
        return False
    return patch is not None


def _may_patch(console: Console, run: Run) -> bool:
    """Ask the cluster whether the person may patch the run; one that cannot say so answers the patch itself."""
    kind = RUNS[run.kind]
    group, _, _ = kind.api_version.partition("/")
    wanted = {"namespace": run.namespace, "verb": "patch", "group": group, "resource": kind.plural, "name": run.name}
    review = {
        "apiVersion": REVIEW.api_version,
        "kind": REVIEW.name,
        "metadata": {},
        "spec": {"resourceAttributes": wanted},
    }
    try:
        return bool(console.cluster.create(REVIEW, review)["status"]["allowed"])
    except ClusterError:
        return True
