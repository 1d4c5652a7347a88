"""Why a run is as it is: one enumeration for condition reasons, metric labels and log fields.

Each reason of a failed attempt says what to do next (`FollowUp`), so that a failure class is data, read by
`decide`, and not a branch somewhere.
"""

from enum import Enum, StrEnum


class Reason(StrEnum):
    """CamelCase, as Kubernetes conditions want them."""

    # Not yet working
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
    # The cluster's doing
    EVICTED = "Evicted"
    NODE_LOST = "NodeLost"
    PREEMPTED = "Preempted"
    REPORT_LOST = "ReportLost"
    JOB_LOST = "JobLost"
    TERMINATED = "Terminated"
    NETWORK = "NetworkError"
    DUPLICATE_POD = "DuplicatePod"
    SPEC_CHANGED = "SpecChanged"
    # Worth resuming
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    OVERLOADED = "Overloaded"
    RATE_LIMITED = "RateLimited"
    AGENT_ERROR = "AgentError"
    # What people can still mend
    IMAGE_PULL_FAILED = "ImagePullFailed"
    CONTAINER_CONFIG_ERROR = "ContainerConfigError"
    MOUNT_FAILED = "MountFailed"
    VOLUME_NOT_ATTACHED = "VolumeNotAttached"
    UNSCHEDULABLE = "Unschedulable"
    POD_REFUSED = "PodRefused"
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
    # Of a retry that was refused, in a condition of its own
    NOT_FINISHED = "NotFinished"
    # Of the pull request, in a condition of its own
    OPEN = "Open"
    MERGED = "Merged"
    CLOSED = "Closed"


class FollowUp(Enum):
    """What follows an attempt that failed."""

    RESTART = "start over at once: nothing was done"
    RETRY_FRESH = "try again from the run's pushed branch"
    RETRY_RESUME = "try again in the agent's session"
    RETRY_RESUME_ONCE = "try again in the agent's session, once"
    WAIT_FOR_FIX = "wait for a person to mend it, trying again with each sweep"
    FAIL = "end the run"


_THEN: dict[str, FollowUp] = {
    Reason.SPEC_CHANGED: FollowUp.RESTART,
    Reason.EVICTED: FollowUp.RETRY_FRESH,
    Reason.NODE_LOST: FollowUp.RETRY_FRESH,
    Reason.PREEMPTED: FollowUp.RETRY_FRESH,
    Reason.REPORT_LOST: FollowUp.RETRY_FRESH,
    Reason.JOB_LOST: FollowUp.RETRY_FRESH,
    Reason.NETWORK: FollowUp.RETRY_FRESH,
    Reason.DUPLICATE_POD: FollowUp.RETRY_FRESH,
    Reason.TERMINATED: FollowUp.RETRY_RESUME,
    Reason.DEADLINE_EXCEEDED: FollowUp.RETRY_RESUME,
    Reason.OVERLOADED: FollowUp.RETRY_RESUME,
    Reason.RATE_LIMITED: FollowUp.RETRY_RESUME,
    Reason.AGENT_ERROR: FollowUp.RETRY_RESUME_ONCE,
    Reason.IMAGE_PULL_FAILED: FollowUp.WAIT_FOR_FIX,
    Reason.CONTAINER_CONFIG_ERROR: FollowUp.WAIT_FOR_FIX,
    Reason.MOUNT_FAILED: FollowUp.WAIT_FOR_FIX,
    Reason.VOLUME_NOT_ATTACHED: FollowUp.WAIT_FOR_FIX,
    Reason.UNSCHEDULABLE: FollowUp.WAIT_FOR_FIX,
    Reason.POD_REFUSED: FollowUp.WAIT_FOR_FIX,
    Reason.MISSING_SECRET: FollowUp.WAIT_FOR_FIX,
    Reason.TEMPLATE_ERROR: FollowUp.WAIT_FOR_FIX,
    Reason.CONFIGURATION_ERROR: FollowUp.WAIT_FOR_FIX,
}


def follow_up(reason: str | None) -> FollowUp:
    """What follows an attempt that ended for `reason`; what is not listed ends the run."""
    return _THEN.get(reason or "", FollowUp.FAIL)
