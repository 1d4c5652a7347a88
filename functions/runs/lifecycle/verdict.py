"""How an attempt ended: one verdict from the end of its Job, its pods, and the report it left. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from functions.runs.lifecycle.observed import Job, Pod
from functions.runs.model import report
from functions.runs.model.reasons import Reason
from functions.runs.model.report import Report
from functions.runs.model.status import Outcome


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the attempt succeeded, why, and its report if there is one."""

    succeeded: bool
    reason: Reason
    message: str
    report: Report | None = None

    def to_outcome(self) -> Outcome:
        """Return the verdict as the status keeps it while the Job is being stopped."""
        text = self.report.model_dump_json(by_alias=True, exclude_none=True) if self.report else None
        return Outcome(succeeded=self.succeeded, reason=self.reason, message=self.message, report=text)

    @staticmethod
    def from_outcome(outcome: Outcome) -> "Verdict":
        """Return the verdict that the status keeps."""
        written = report.read(outcome.report) if outcome.report else None
        return Verdict(outcome.succeeded, Reason(outcome.reason), outcome.message, written)


def judge(job: Job, pods: Sequence[Pod]) -> Verdict:
    """Return the verdict over an attempt whose agent has ended in every pod.

    What the cluster did to a pod outweighs the attempt's own account of a failure: an agent killed for lack of memory
    knows only that it died. A report of success stands whatever followed it: its work is pushed.
    """
    reports = [pod.report for pod in pods if pod.report and pod.report.reason is not Reason.DUPLICATE_POD]
    said = next((each for each in reports if each.outcome == "succeeded"), reports[0] if reports else None)
    if said and said.outcome == "succeeded":
        return Verdict(True, said.reason, said.message, said)
    if job.fence:
        message = f"Job {job.name} is gone: it was deleted, or its end was not observed"
        return Verdict(False, Reason.JOB_LOST, message, said)
    for pod in pods:
        if pod.failure:
            return Verdict(False, *pod.failure, said)
    if job.deadline_exceeded:
        return Verdict(False, Reason.DEADLINE_EXCEEDED, "the attempt took longer than its deadline", said)
    if said:
        return Verdict(False, said.reason, said.message, said)
    return _without_report(job, pods)


def _without_report(job: Job, pods: Sequence[Pod]) -> Verdict:
    workers = [pod for pod in pods if not (pod.report and pod.report.reason is Reason.DUPLICATE_POD)]
    codes = [pod.exit_code for pod in workers if pod.exit_code is not None]
    if not codes:
        end = "its Job completed, but the pod" if job.completed else "the pod"
        return Verdict(False, Reason.REPORT_LOST, f"{end} is gone and left no report")
    if any(codes):
        return Verdict(False, Reason.AGENT_ERROR, f"the container ended with exit code {max(codes)} and no report")
    return Verdict(False, Reason.NO_REPORT, "the container ended with exit code 0 but wrote no report")
