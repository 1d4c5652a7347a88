"""Why a run is as it is: one enumeration for condition reasons, metric labels and log fields, with one row each.

A row says everything that depends on the reason: what follows an attempt that ends for it, who may report it, whether
its Kubernetes Event is a warning, and what a person can do about it. A failure class is therefore data, read by
`decide`, the reporters and the views, and never a branch. A test checks that every Reason has a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, StrEnum


class Reason(StrEnum):
    """CamelCase, as the API conventions of Kubernetes ask of condition reasons."""

    # Before and during work
    ACCEPTED = "Accepted"
    QUEUED = "Queued"
    STARTING = "Starting"
    RETRYING = "Retrying"
    RUNNING = "Running"
    # Ended well
    COMPLETED = "Completed"
    NO_CHANGES = "NoChanges"
    # Ended by a person
    CANCELLED = "Cancelled"
    # Caused by the cluster
    EVICTED = "Evicted"
    NODE_LOST = "NodeLost"
    PREEMPTED = "Preempted"
    REPORT_LOST = "ReportLost"
    JOB_LOST = "JobLost"
    TERMINATED = "Terminated"
    NETWORK = "NetworkError"
    DUPLICATE_POD = "DuplicatePod"
    SPEC_CHANGED = "SpecChanged"
    REQUEUED = "Requeued"
    # Worth resuming
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    OVERLOADED = "Overloaded"
    RATE_LIMITED = "RateLimited"
    AGENT_ERROR = "AgentError"
    # Fixable by people while the run waits
    IMAGE_PULL_FAILED = "ImagePullFailed"
    CONTAINER_CONFIG_ERROR = "ContainerConfigError"
    MOUNT_FAILED = "MountFailed"
    VOLUME_NOT_ATTACHED = "VolumeNotAttached"
    UNSCHEDULABLE = "Unschedulable"
    POD_REFUSED = "PodRefused"
    CONTAINER_NOT_STARTING = "ContainerNotStarting"
    INIT_CONTAINER_FAILED = "InitContainerFailed"
    MISSING_SECRET = "MissingSecret"  # noqa: S105  (a reason, not a secret)
    TEMPLATE_ERROR = "TemplateError"
    CONFIGURATION_ERROR = "ConfigurationError"
    # Final
    OUT_OF_MEMORY = "OutOfMemory"
    MAX_TURNS = "MaxTurns"
    BUDGET_EXCEEDED = "BudgetExceeded"
    PUSH_REFUSED = "PushRefused"
    CREDENTIAL_REFUSED = "CredentialRefused"
    REPOSITORY_DENIED = "RepositoryDenied"
    INVALID_INPUT = "InvalidInput"
    INVALID_SPEC = "InvalidSpec"
    TASK_FILES_TOO_LARGE = "TaskFilesTooLarge"
    CONFLICT = "MergeConflict"
    NO_REPORT = "NoReport"
    NAME_TAKEN = "NameTaken"
    POLICY_VIOLATION = "PolicyViolation"
    # Of the condition RetryRefused
    NOT_FINISHED = "NotFinished"
    # Of the condition PullRequestMerged
    OPEN = "Open"
    MERGED = "Merged"
    CLOSED = "Closed"


class FollowUp(Enum):
    """The step after a failed attempt."""

    RESTART = "start over at once: no work was done"
    REQUEUE = "wait in the queue and go on in the agent's session; costs no retry"
    RETRY_FRESH = "retry from the run's pushed branch"
    RETRY_RESUME = "retry in the agent's session"
    RETRY_RESUME_ONCE = "retry in the agent's session, once"
    WAIT_FOR_FIX = "retry with growing pauses until a person has fixed the cause, or the pending wait ends"
    FAIL = "end the run"


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """The properties of a reason."""

    follow_up: FollowUp = FollowUp.FAIL
    by_attempt: bool = False
    """Whether an attempt's own report may give this reason; the others are the product's or the cluster's."""
    is_warning: bool = True
    """Type of the Kubernetes Event of a run that is not succeeded: Warning, or Normal."""
    remedy: str = ""
    """The remedy for people, in the imperative; empty if the message contains it."""
    min_wait: timedelta = timedelta()
    """Least time to wait for a fix, also if the setting job.pendingWait is shorter."""


_PROGRESS = ReasonRow(is_warning=False)


def _fresh(remedy: str, *, by_attempt: bool = False) -> ReasonRow:
    return ReasonRow(FollowUp.RETRY_FRESH, by_attempt, remedy=remedy)


def _resumed(remedy: str, follow_up: FollowUp = FollowUp.RETRY_RESUME) -> ReasonRow:
    return ReasonRow(follow_up, by_attempt=True, remedy=remedy)


def _final(remedy: str, *, by_attempt: bool = False) -> ReasonRow:
    return ReasonRow(FollowUp.FAIL, by_attempt, remedy=remedy)


def _to_fix(remedy: str, *, by_attempt: bool = False, min_wait: timedelta = timedelta()) -> ReasonRow:
    return ReasonRow(FollowUp.WAIT_FOR_FIX, by_attempt, remedy=remedy, min_wait=min_wait)


ROWS: Mapping[str, ReasonRow] = {
    Reason.ACCEPTED: _PROGRESS,
    Reason.QUEUED: _PROGRESS,
    Reason.STARTING: _PROGRESS,
    Reason.RETRYING: ReasonRow(),
    Reason.RUNNING: _PROGRESS,
    Reason.COMPLETED: ReasonRow(by_attempt=True, is_warning=False),
    Reason.NO_CHANGES: ReasonRow(by_attempt=True),
    Reason.CANCELLED: _PROGRESS,
    Reason.EVICTED: _fresh("request the memory and storage that the agent uses in the setting job.resources"),
    Reason.NODE_LOST: _fresh("see why nodes of the cluster are lost"),
    Reason.PREEMPTED: _fresh("add nodes, or give the pods a priority in the setting job.pod.priority_class_name"),
    Reason.REPORT_LOST: _fresh("find what deletes pods as soon as they have ended"),
    Reason.JOB_LOST: _fresh("find what deletes Jobs of the namespace"),
    Reason.TERMINATED: _resumed("find what stopped the pod, such as a drained node"),
    Reason.NETWORK: _fresh(
        "check that the cluster reaches the host that the message names: its name, DNS, proxy, network policies",
        by_attempt=True,
    ),
    Reason.DUPLICATE_POD: _fresh("wait until the Job's other pod is gone", by_attempt=True),
    Reason.SPEC_CHANGED: ReasonRow(FollowUp.RESTART, remedy="nothing: the next attempt has the changed spec"),
    Reason.REQUEUED: ReasonRow(FollowUp.REQUEUE, is_warning=False),
    Reason.DEADLINE_EXCEEDED: _resumed("raise timeoutSeconds, or make the task smaller"),
    Reason.OVERLOADED: _resumed("wait until the model's API has room, or use another model"),
    Reason.RATE_LIMITED: _resumed("wait until the limit is reset, or raise the limit of the key"),
    Reason.AGENT_ERROR: _resumed(
        "find the cause in the log, and say with --message what to do differently", FollowUp.RETRY_RESUME_ONCE
    ),
    Reason.IMAGE_PULL_FAILED: _to_fix("check image and tag of the settings agent and broker, and agent.pull_secrets"),
    Reason.CONTAINER_CONFIG_ERROR: _to_fix("create or correct the object that the message names"),
    Reason.MOUNT_FAILED: _to_fix("create the Secret, ConfigMap or volume that the message names"),
    # A volume is released 6 minutes after its node was lost (attach/detach controller, maxWaitForUnmountDuration).
    Reason.VOLUME_NOT_ATTACHED: _to_fix("wait, or detach the volume from its old node", min_wait=timedelta(minutes=10)),
    Reason.UNSCHEDULABLE: _to_fix("add nodes, or lower the resources that the pod requests"),
    Reason.POD_REFUSED: _to_fix("change the policy or webhook that rejects the pod"),
    Reason.CONTAINER_NOT_STARTING: _to_fix("correct what the message names"),
    Reason.INIT_CONTAINER_FAILED: _to_fix("see the log of the init container that the message names"),
    Reason.MISSING_SECRET: _to_fix("create the Secret with the key that the message names", by_attempt=True),
    Reason.TEMPLATE_ERROR: _to_fix("correct the template at the line that the message names"),
    Reason.CONFIGURATION_ERROR: _to_fix("correct the setting that the message names", by_attempt=True),
    Reason.OUT_OF_MEMORY: _final("raise the memory limit in the setting job.resources"),
    Reason.MAX_TURNS: _final("raise maxTurns, or make the task smaller", by_attempt=True),
    Reason.BUDGET_EXCEEDED: _final("raise maxCostUsd, or make the task smaller", by_attempt=True),
    Reason.PUSH_REFUSED: _final("allow what the message names in the rules of the repository", by_attempt=True),
    Reason.CREDENTIAL_REFUSED: ReasonRow(
        by_attempt=True, remedy="replace the key in the Secret that the message names"
    ),
    Reason.REPOSITORY_DENIED: _final(
        "give the run's user or App access to the repository, or correct its URL", by_attempt=True
    ),
    Reason.INVALID_INPUT: _final(
        "correct what the message names in the repository, or submit a corrected request", by_attempt=True
    ),
    Reason.INVALID_SPEC: _final("correct the field that the message names, and submit it again"),
    Reason.TASK_FILES_TOO_LARGE: _final("shorten the prompt, or the templates of the agent"),
    Reason.CONFLICT: _final("merge the base branch into the run's branch and push it", by_attempt=True),
    Reason.NO_REPORT: _final("see the last lines of the log: the container ended without a report"),
    Reason.NAME_TAKEN: _final("remove the object that the message names, which is not this run's"),
    Reason.POLICY_VIOLATION: _final("remove from the branch what the message names", by_attempt=True),
    Reason.NOT_FINISHED: ReasonRow(),
    Reason.OPEN: _PROGRESS,
    Reason.MERGED: _PROGRESS,
    Reason.CLOSED: _PROGRESS,
}

_UNKNOWN = ReasonRow()
"""Row of a reason that a newer version wrote."""


def row(reason: str | None) -> ReasonRow:
    """Return what depends on a reason; a reason that this version does not know ends the run."""
    return ROWS.get(reason or "", _UNKNOWN)


def follow_up(reason: str | None) -> FollowUp:
    """Return what follows an attempt that ended for `reason`."""
    return row(reason).follow_up
