"""The status of a run of any kind. Pure.

`Succeeded` is the one decisive condition; other conditions follow it for tools (conditions.py), and `phase` is derived
from it for people. Code never branches on the phase.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, get_args

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, PlainSerializer

from functions.runs.model.api_model import ApiModel
from functions.runs.model.reasons import FollowUp, Reason, follow_up

ATTEMPTS_KEPT = 20
"""Attempts kept in the history; older ones are dropped (an object on the API server is bounded: 1.5 MiB)."""

MOST = 1_000_000_000_000
"""Largest number of a usage that is accepted: an attempt reports it, which is input like any other."""

MESSAGE_LENGTH = 2000
"""Longest message kept, in characters."""

SUMMARY_LENGTH = 2000
"""Longest summary kept, in characters; a report has room for less (report.py)."""


def rfc3339(moment: datetime) -> str:
    """Return `moment` as Kubernetes writes times: RFC 3339, UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Timestamp = Annotated[AwareDatetime, PlainSerializer(rfc3339, return_type=str, when_used="json")]
Truth = Literal["True", "False", "Unknown"]
Phase = Literal["Pending", "Queued", "Running", "Retrying", "Succeeded", "Failed", "Cancelled"]


class LenientModel(ApiModel):
    """Part of a status: fields that a newer version wrote are kept when it is written back."""

    model_config = ConfigDict(extra="allow")


class Condition(LenientModel):
    """A condition as in Kubernetes' API conventions."""

    type: str
    status: Truth
    reason: str
    message: str = ""
    last_transition_time: Timestamp
    observed_generation: int | None = None


class Usage(LenientModel):
    """The usage of a run's attempts."""

    cost_usd: Annotated[float, Field(ge=0, le=MOST)] = 0
    input_tokens: Annotated[int, Field(ge=0, le=MOST)] = 0
    output_tokens: Annotated[int, Field(ge=0, le=MOST)] = 0
    turns: Annotated[int, Field(ge=0, le=MOST)] = 0

    def plus(self, other: "Usage") -> "Usage":
        """Return the sum of both."""
        return Usage(
            cost_usd=min(MOST, round(self.cost_usd + other.cost_usd, 6)),
            input_tokens=min(MOST, self.input_tokens + other.input_tokens),
            output_tokens=min(MOST, self.output_tokens + other.output_tokens),
            turns=min(MOST, self.turns + other.turns),
        )


class Outcome(LenientModel):
    """How the agent of an attempt ended, recorded before its Job is stopped."""

    succeeded: bool
    reason: str
    message: str = ""
    report: Annotated[str | None, Field(description="The attempt's report, as JSON.")] = None


class Attempt(LenientModel):
    """One try of a run: one Job. Open while `finishedAt` is absent."""

    attempt: Annotated[int, Field(ge=1)]
    job_name: str
    generation: Annotated[int, Field(description="Generation of the spec it was rendered from.")]
    context_version: int | None = None
    task: Annotated[str | None, Field(description="Task it works on.")] = None
    service: str | None = None
    agent: str | None = None
    repository: Annotated[str | None, Field(description="Repository it works in.")] = None
    started_at: Timestamp
    finished_at: Timestamp | None = None
    resumes: Annotated[bool, Field(description="Whether it resumes the agent's session.")] = False
    reason: str | None = None
    message: str | None = None
    commit: str | None = None
    pending_since: Annotated[
        Timestamp | None, Field(description="Since when attempts end for this reason, which a person can fix.")
    ] = None
    outcome: Annotated[Outcome | None, Field(description="How it ended, while its Job is being stopped.")] = None


class Checks(LenientModel):
    """Checks and commit statuses of a commit on the run's branch, without the orchestrator's own."""

    commit: str
    passed: Annotated[int, Field(ge=0, description="How many passed, were neutral or were skipped.")] = 0
    failed: Annotated[int, Field(ge=0, description="How many failed, were cancelled or went stale.")] = 0
    running: Annotated[int, Field(ge=0, description="How many are not completed.")] = 0
    failures: Annotated[list[str], Field(description="Names of the first 10 that failed.")] = []


class Obstacle(LenientModel):
    """Why a run does not start: the capacity that it needs is used."""

    message: Annotated[str, Field(description="For people.")]
    holder: Annotated[
        str | None, Field(description="Kind and name of the run whose workspace or directory it waits for.")
    ] = None


def _known_phase(word: Any) -> Any:
    """Return the phase; None for one of a newer version, which is no reason not to read the rest."""
    return word if word in get_args(Phase) else None


class RunStatus(LenientModel):
    """Status of a DocsRun or CodeRun."""

    phase: Annotated[Phase | None, BeforeValidator(_known_phase)] = None
    conditions: list[Condition] = []
    observed_generation: int | None = None
    message: str | None = None
    summary: Annotated[
        str | None, Field(description="What the agent of the last attempt says it did, verified and left open.")
    ] = None
    attempt: int | None = None
    attempts: list[Attempt] = []
    retry_count: int | None = None
    context_version: Annotated[int | None, Field(description="contextVersion the current attempt was made for.")] = None
    task: Annotated[str | None, Field(description="Task of the current attempt, or of the next one.")] = None
    service: Annotated[str | None, Field(description="Service of the current attempt, or of the next one.")] = None
    agent: Annotated[
        str | None, Field(description="Agent, or else githubUser, of the current attempt, or of the next one.")
    ] = None
    job_name: str | None = None
    config_map_name: str | None = None
    workspace_name: str | None = None
    branch: str | None = None
    pull_request_url: str | None = None
    checks: Annotated[
        Checks | None, Field(description="What GitHub last showed of the branch's checks; for people only.")
    ] = None
    session_id: str | None = None
    model: Annotated[str | None, Field(description="Model that answered the last attempt.")] = None
    usage: Usage | None = None
    obstacle: Annotated[Obstacle | None, Field(description="What a queued run waited for when it was queued.")] = None
    next_attempt_at: Timestamp | None = None
    pending_since: Annotated[
        Timestamp | None, Field(description="Since when it waits for a person to fix something.")
    ] = None
    pending_until: Annotated[
        Timestamp | None, Field(description="When it makes its last try, and gives up waiting for a person.")
    ] = None
    reported: Annotated[str | None, Field(description="Last <attempt>/<phase> that was reported.")] = None
    started_at: Timestamp | None = None
    finished_at: Timestamp | None = None
    expire_at: Timestamp | None = None
    last_update: Timestamp | None = None
    templates_checksum: Annotated[
        str | None, Field(description="Of the templates that the attempt's ConfigMap was rendered from.")
    ] = None

    @property
    def succeeded(self) -> Condition | None:
        """The decisive condition; None on a run that no function has seen."""
        return next((c for c in self.conditions if c.type == "Succeeded"), None)

    @property
    def waits_for_fix(self) -> bool:
        """Whether the run is unfinished and waits until a person has fixed what its reason names."""
        shown = self.succeeded
        return shown is not None and shown.status == "Unknown" and follow_up(shown.reason) is FollowUp.WAIT_FOR_FIX

    @property
    def may_retry_now(self) -> bool:
        """Whether the run waits for a fix between two attempts, so that a retry can start the next one at once."""
        return self.waits_for_fix and self.open_attempt is None

    @property
    def open_attempt(self) -> Attempt | None:
        """The open attempt; None if there is none."""
        last = self.attempts[-1] if self.attempts else None
        return last if last and last.finished_at is None else None


def time_worked(attempts: Iterable[tuple[datetime | None, datetime | None]], now: datetime) -> timedelta | None:
    """Return the time of attempts together, without the pauses between them; None if none has started.

    Each is its start and its end, which is `now` while it is under way. A status keeps the last ATTEMPTS_KEPT only.
    """
    worked = [(end or now) - start for start, end in attempts if start]
    return sum(worked, timedelta()) if worked else None


def derive_phase(truth: Truth, reason: Reason) -> Phase:
    """Return the phase that belongs to the decisive condition."""
    if truth == "True":
        return "Succeeded"
    if truth == "False":
        return "Cancelled" if reason is Reason.CANCELLED else "Failed"
    match reason:
        case Reason.QUEUED:
            return "Queued"
        case Reason.RUNNING:
            return "Running"
        case Reason.RETRYING:
            return "Retrying"
        case _:
            return "Pending"
