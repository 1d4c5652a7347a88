"""Starts one agent, waits for it, ends what it left running, and writes down how it ended.

Run by its path with the plan on standard input, one line of JSON: {directory, argv, env, cwd, log, message}. The
plan is also the permission to start: the runner sends it after it has recorded this process, so a runner that dies
in between leaves nothing behind. Secrets are in the plan only: not on a command line, not in a file.

In `directory`, `started` is made before the agent starts, never twice; `exit.json` once it has ended:
{code, signal, reason, message, startedAt, finishedAt}, times in seconds since the epoch, the message from the
container's termination log.
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
"""prctl(2): orphaned descendants become children of this process, so none can slip away."""

MESSAGE_BYTES = 4096
"""A termination message is cut off there (Kubernetes: Determine the Reason for Pod Failure)."""

START_ERROR = 128
"""Exit code of a container whose process could not be started (containerd: StartError)."""


def main() -> None:
    """Runs the plan on standard input; without a whole plan, nothing."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # meant for the agent, which gets them with the whole group
    line = sys.stdin.buffer.readline()
    if line.endswith(b"\n"):
        run(json.loads(line))


def run(plan: dict[str, Any]) -> None:
    """Starts the agent, once ever, and sees it to its end."""
    directory = Path(plan["directory"])
    _claim(directory)
    _become_subreaper()
    started = time.time()
    found = _wait(plan)
    found |= {"startedAt": started, "finishedAt": time.time()}
    _write(directory / "exit.json", json.dumps(found))


def _claim(directory: Path) -> None:
    """Raises FileExistsError where the agent was started before."""
    os.close(os.open(directory / "started", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    _sync(directory)


def _become_subreaper() -> None:
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):  # Linux; elsewhere the group has to do
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _wait(plan: dict[str, Any]) -> dict[str, Any]:
    try:
        child = _start(plan)
    except OSError as error:
        message = f"failed to start container: exec: {json.dumps(plan['argv'][0])}: {error.strerror}"
        return {"code": START_ERROR, "signal": 0, "reason": "StartError", "message": message}
    over = threading.Event()
    noting = threading.Thread(target=_note_times, args=[Path(plan["log"]), over], daemon=True)
    noting.start()
    import process_tree  # type: ignore[import-not-found]  # beside this file; late, so that the agent starts sooner
    import psutil

    code = _reap_until(child.pid)
    me = psutil.Process()
    process_tree.end(lambda: process_tree.family(me))
    over.set()
    noting.join()
    ended_by = max(-code, 0)
    reason = "Error" if code else "Completed"
    message = _message(Path(plan["message"]))
    return {"code": 128 + ended_by if ended_by else code, "signal": ended_by, "reason": reason, "message": message}


def _start(plan: dict[str, Any]) -> "subprocess.Popen[bytes]":
    with Path(plan["log"]).open("ab") as log:
        return subprocess.Popen(
            plan["argv"], env=plan["env"], cwd=plan["cwd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )


NOTE_SECONDS = 0.1


def _note_times(log: Path, over: threading.Event) -> None:
    """Notes beside the log how long it was when: from it comes the time of each line."""
    noted, last = 0, False
    with log.with_suffix(".times").open("a") as notes:
        while not last:
            last = over.wait(NOTE_SECONDS)
            try:
                length = log.stat().st_size
            except FileNotFoundError:  # the pod was deleted, and its log with it
                return
            if length > noted:
                notes.write(f"{length} {time.time()}\n")
                notes.flush()
                noted = length


def _reap_until(child: int) -> int:
    """Waits for the child, and for the orphans that end before it; the child's exit code, negative for a signal."""
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
    """All of the file or nothing of it, and on disk."""
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
