"""Why a run is as it is: one enumeration for condition reasons, metric labels and log fields.

Each reason of a failed attempt says what to do next (`Then`), so that a failure class is data, read by
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


class Then(Enum):
    """What follows an attempt that failed."""

    AGAIN = "start over at once: nothing was done"
    FRESH = "try again from the run's pushed branch"
    RESUME = "try again in the agent's session"
    RESUME_ONCE = "try again in the agent's session, once"
    MEND = "wait for a person to mend it, trying again with each sweep"
    FAIL = "end the run"


_THEN: dict[str, Then] = {
    Reason.SPEC_CHANGED: Then.AGAIN,
    Reason.EVICTED: Then.FRESH,
    Reason.NODE_LOST: Then.FRESH,
    Reason.PREEMPTED: Then.FRESH,
    Reason.REPORT_LOST: Then.FRESH,
    Reason.JOB_LOST: Then.FRESH,
    Reason.NETWORK: Then.FRESH,
    Reason.DUPLICATE_POD: Then.FRESH,
    Reason.TERMINATED: Then.RESUME,
    Reason.DEADLINE_EXCEEDED: Then.RESUME,
    Reason.OVERLOADED: Then.RESUME,
    Reason.RATE_LIMITED: Then.RESUME,
    Reason.AGENT_ERROR: Then.RESUME_ONCE,
    Reason.IMAGE_PULL_FAILED: Then.MEND,
    Reason.CONTAINER_CONFIG_ERROR: Then.MEND,
    Reason.MOUNT_FAILED: Then.MEND,
    Reason.VOLUME_NOT_ATTACHED: Then.MEND,
    Reason.UNSCHEDULABLE: Then.MEND,
    Reason.POD_REFUSED: Then.MEND,
    Reason.MISSING_SECRET: Then.MEND,
    Reason.TEMPLATE_ERROR: Then.MEND,
    Reason.CONFIGURATION_ERROR: Then.MEND,
}


def then(reason: str | None) -> Then:
    """What follows an attempt that ended for `reason`; what is not listed ends the run."""
    return _THEN.get(reason or "", Then.FAIL)
