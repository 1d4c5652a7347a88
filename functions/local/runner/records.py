"""The runner's durable records: the pod of each Job, the process of the pod, and its outcome.

A record advances through these steps; each is on disk before the next action:

    claimed    the name of the Job's pod             before the pod is created
    created    the pod's uid                         before the shim is started
    started    pid and start time of the shim        before the agent is started
    ended      the outcome                           before the pod is reported as ended

A crash can therefore repeat a step, but never create a second pod for a Job or start a second agent for a pod.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace

_TABLE = """
CREATE TABLE IF NOT EXISTS runner_pods (
    job_uid TEXT PRIMARY KEY, namespace TEXT NOT NULL, job TEXT NOT NULL, pod TEXT NOT NULL,
    pod_uid TEXT UNIQUE, pid INTEGER, started REAL, outcome TEXT)
"""


@dataclass(frozen=True)
class Outcome:
    """How a pod ended; times are in seconds since the epoch, 0 if the main container never started.

    `reason` and `message` are the main container's; `pod_reason` and `pod_message` are set if the node ended the pod.
    `others` are the exit codes of the plain containers beside it.
    """

    code: int = 0
    signal: int = 0
    reason: str = ""
    message: str = ""
    started_at: float = 0.0
    finished_at: float = 0.0
    pod_reason: str = ""
    pod_message: str = ""
    others: Mapping[str, int] = field(default_factory=dict)

    @property
    def phase(self) -> str:
        """The pod's last phase."""
        succeeded = self.started_at and not self.code and not self.pod_reason and not any(self.others.values())
        return "Succeeded" if succeeded else "Failed"


@dataclass(frozen=True)
class Record:
    """The pod of one Job; `started` is the start time of process `pid`, in seconds since the epoch."""

    job_uid: str
    namespace: str
    job: str
    pod: str
    pod_uid: str | None = None
    pid: int | None = None
    started: float | None = None
    outcome: Outcome | None = None


class Records:
    """All records, in memory and on disk; for one thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute(_TABLE)
        self._records = {record.job_uid: record for record in _read(connection)}

    def __iter__(self) -> Iterator[Record]:
        return iter([*self._records.values()])

    def get(self, job_uid: str) -> Record | None:
        """Return the record of a Job."""
        return self._records.get(job_uid)

    def of_pod(self, pod_uid: str) -> Record | None:
        """Return the record of a pod."""
        return next((record for record in self if record.pod_uid == pod_uid), None)

    def claimed(self, job_uid: str, namespace: str, job: str, pod: str) -> Record:
        """Record the name of a Job's pod."""
        return self._put(Record(job_uid, namespace, job, pod))

    def created(self, record: Record, pod_uid: str) -> Record:
        """Record the uid of the created pod."""
        return self._put(replace(record, pod_uid=pod_uid))

    def started(self, record: Record, pid: int, started: float) -> Record:
        """Record the shim's process, which waits for the plan."""
        return self._put(replace(record, pid=pid, started=started))

    def never_started(self, record: Record) -> Record:
        """Record that the process ended without starting the agent, so another process may be started."""
        return self._put(replace(record, pid=None, started=None))

    def ended(self, record: Record, outcome: Outcome) -> Record:
        """Record the outcome."""
        return self._put(replace(record, outcome=outcome))

    def delete(self, record: Record) -> None:
        """Delete the record of a deleted Job and pod, whose uids are never reused."""
        self._connection.execute("DELETE FROM runner_pods WHERE job_uid = ?", (record.job_uid,))
        del self._records[record.job_uid]

    def _put(self, record: Record) -> Record:
        outcome = json.dumps(asdict(record.outcome)) if record.outcome else None
        row = (record.job_uid, record.namespace, record.job, record.pod, record.pod_uid, record.pid, record.started)
        self._connection.execute("REPLACE INTO runner_pods VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, outcome))
        self._records[record.job_uid] = record
        return record


def _read(connection: sqlite3.Connection) -> Iterator[Record]:
    for *fields, outcome in connection.execute("SELECT * FROM runner_pods").fetchall():
        record = Record(*fields)
        yield replace(record, outcome=Outcome(**json.loads(outcome))) if outcome else record
