"""Starts one agent, waits for it, ends its remaining descendants, and records its outcome.

It is run by its path with the plan on standard input, one line of JSON: {directory, argv, env, cwd, log, message}. The
runner sends the plan after it has recorded this process, and without a plan nothing is started, so a crash of the
runner in between leaves no agent. Only the plan contains secrets; command lines and files do not.

In `directory`, it creates `started` before the agent starts, and `exit.json` after its end: {code, signal, reason,
message, startedAt, finishedAt}, with times in seconds since the epoch and the message of the container's termination
log. If `started` exists, nothing is started.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

PR_SET_CHILD_SUBREAPER = 36
"""prctl(2): orphaned descendants become children of this process, so all of them can be found."""

MESSAGE_BYTES = 4096
"""The maximum length of a termination message (Kubernetes: Determine the Reason for Pod Failure)."""

START_ERROR = 128
"""Exit code of a container whose process could not be started (containerd: StartError)."""


def main() -> None:
    """Run the plan on standard input, unless it is incomplete."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # meant for the agent, which gets it too, as part of the group
    line = sys.stdin.buffer.readline()
    if line.endswith(b"\n"):
        run(json.loads(line))


def run(plan: dict[str, Any]) -> None:
    """Start the agent, wait for its end and record the outcome; raise FileExistsError if it was started before."""
    directory = Path(plan["directory"])
    _claim(directory)
    _become_subreaper()
    started = time.time()
    outcome = _wait(plan)
    outcome |= {"startedAt": started, "finishedAt": time.time()}
    _write(directory / "exit.json", json.dumps(outcome))


def _claim(directory: Path) -> None:
    """Create the file `started`; raise FileExistsError if the agent was started before."""
    os.close(os.open(directory / "started", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    _sync(directory)


def _become_subreaper() -> None:
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):  # Linux only; elsewhere descendants are found by their group
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _wait(plan: dict[str, Any]) -> dict[str, Any]:
    try:
        child = _start(plan)
    except OSError as error:
        message = f"failed to start container: exec: {json.dumps(plan['argv'][0])}: {error.strerror}"
        return {"code": START_ERROR, "signal": 0, "reason": "StartError", "message": message}
    ended = threading.Event()
    recorder = threading.Thread(target=_record_lengths, args=[Path(plan["log"]), ended], daemon=True)
    recorder.start()
    # Imported here, after the start of the agent, so that the agent starts sooner; process_tree is beside this file.
    import process_tree  # type: ignore[import-not-found]
    import psutil

    code = _reap_until(child.pid)
    shim = psutil.Process()
    process_tree.end(lambda: process_tree.group_and_descendants(shim))
    ended.set()
    recorder.join()
    signal_number = max(-code, 0)
    reason = "Error" if code else "Completed"
    message = _message(Path(plan["message"]))
    exit_code = 128 + signal_number if signal_number else code
    return {"code": exit_code, "signal": signal_number, "reason": reason, "message": message}


def _start(plan: dict[str, Any]) -> "subprocess.Popen[bytes]":
    with Path(plan["log"]).open("ab") as log:
        return subprocess.Popen(
            plan["argv"], env=plan["env"], cwd=plan["cwd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )


RECORD_SECONDS = 0.1
"""Interval between records of the log's length."""


def _record_lengths(log: Path, ended: threading.Event) -> None:
    """Record the log's length over time in a file beside it, for the times of its lines (log_timestamps.py)."""
    recorded, last = 0, False
    with log.with_suffix(".times").open("a") as times:
        while not last:
            last = ended.wait(RECORD_SECONDS)
            try:
                length = log.stat().st_size
            except FileNotFoundError:  # the pod was deleted, and its log with it
                return
            if length > recorded:
                times.write(f"{length} {time.time()}\n")
                times.flush()
                recorded = length


def _reap_until(child: int) -> int:
    """Reap the child and orphans that end before it; return the child's exit code, negative for a signal."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)


def _message(path: Path) -> str:
    try:
        text = path.read_bytes()
    except OSError:
        return ""
    return text[-MESSAGE_BYTES:].decode(errors="replace")


def _write(path: Path, text: str) -> None:
    """Write the file atomically and sync it to disk."""
    part = path.with_suffix(".part")
    with part.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    _sync(path.parent)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


if __name__ == "__main__":
    main()
