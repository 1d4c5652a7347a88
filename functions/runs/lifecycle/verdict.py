"""How an attempt ended: one verdict from the end of its Job, its pods, and the report it left."""

from collections.abc import Sequence
from dataclasses import dataclass

from functions.runs.lifecycle.observed import Job, Pod
from functions.runs.model.reasons import Reason
from functions.runs.model.report import Report


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the attempt succeeded, why, and its report where there is one."""

    succeeded: bool
    reason: Reason
    message: str
    report: Report | None = None


def judge(job: Job, pods: Sequence[Pod]) -> Verdict:
    """The verdict over an attempt whose Job ended and whose pods are all terminal or gone.

    What the cluster did to a pod outweighs what the attempt says of its failure: an agent killed for lack of memory
    knows only that it died. A report of success stands whatever came after it: its work is pushed.
    """
    reports = [pod.report for pod in pods if pod.report and pod.report.reason is not Reason.DUPLICATE_POD]
    told = next((report for report in reports if report.outcome == "succeeded"), reports[0] if reports else None)
    if told and told.outcome == "succeeded":
        return Verdict(True, told.reason, told.message, told)
    if job.fence:
        message = f"Job {job.name} is gone: somebody deleted it, or nobody saw its end"
        return Verdict(False, Reason.JOB_LOST, message, told)
    for pod in pods:
        if pod.failure:
            return Verdict(False, *pod.failure, told)
    if job.deadline_exceeded:
        return Verdict(False, Reason.DEADLINE_EXCEEDED, "the attempt took longer than its deadline", told)
    if told:
        return Verdict(False, told.reason, told.message, told)
    return _without_report(pods)


def _without_report(pods: Sequence[Pod]) -> Verdict:
    workers = [pod for pod in pods if not (pod.report and pod.report.reason is Reason.DUPLICATE_POD)]
    codes = [pod.exit_code for pod in workers if pod.exit_code is not None]
    if not codes:
        return Verdict(False, Reason.REPORT_LOST, "the pod is gone and left no report")
    if any(codes):
        return Verdict(False, Reason.AGENT_ERROR, f"the container ended with exit code {max(codes)} and no report")
    return Verdict(False, Reason.NO_REPORT, "the container ended with exit code 0 but wrote no report")
