"""Ctrl-C in `make run`, pressed in a terminal while agents work (case N12 of the field), or the terminal closed.

Expected: no traceback, a visible cursor, no process left, exit code 130.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import psutil

from tests.support.api import ROOT

WITH_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
"""Python that makes standard input the controlling terminal; Ctrl-C reaches every foreground process."""
HIDE, SHOW = b"\x1b[?25l", b"\x1b[?25h"
"""Escape sequences that hide and show the cursor (xterm: DECTCEM)."""


def started(state: Path) -> tuple[int, subprocess.Popen[bytes]]:
    """Start `orchestrator run` in a terminal of its own; return the terminal and the process."""
    terminal, other_end = os.openpty()
    command = [sys.executable, "-m", "functions.clients", "run", "--state", str(state)]
    environ = {name: text for name, text in os.environ.items() if name not in ("ANTHROPIC_API_KEY", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-c", WITH_TERMINAL, *command],
        stdin=other_end, stdout=other_end, stderr=other_end, start_new_session=True, cwd=ROOT,
        env={**environ, "TERM": "xterm-256color", "REHEARSAL_SECONDS": "60"},
    )  # fmt: skip
    os.close(other_end)
    return terminal, process


def test_closing_the_terminal_leaves_no_process(tmp_path: Path) -> None:
    terminal, process = started(tmp_path)
    parts: list[psutil.Process] = []
    try:
        read_until(terminal, b"ready after")
        parts = psutil.Process(process.pid).children(recursive=True)
        os.close(terminal)  # the kernel sends SIGHUP
        assert len(parts) > 5
        assert psutil.wait_procs(parts, timeout=60)[1] == []
        process.wait(60)
    finally:
        process.kill()
        for part in parts:
            if part.is_running():
                part.kill()


def test_ctrl_c_restores_the_terminal_and_leaves_no_process(tmp_path: Path) -> None:
    terminal, process = started(tmp_path)
    try:
        shown = read_until(terminal, b"[rehearsal]")
        parts = psutil.Process(process.pid).children(recursive=True)
        os.write(terminal, b"\x03")
        shown += read_until(terminal, b"")
    finally:
        if process.poll() is None:
            process.kill()
        os.close(terminal)
    assert process.wait() == 130
    assert b"Traceback" not in shown
    assert b"inventory" in shown, "each run has a line"
    assert b"\x1b[3" in shown, "the output has colours"
    assert re.findall(rb"Running.*\d+s\b", shown), "80 columns show phase and duration"
    assert shown.rindex(SHOW) > shown.rindex(HIDE)
    assert len(parts) > 5
    assert psutil.wait_procs(parts, timeout=60)[1] == []


def read_until(terminal: int, text: bytes) -> bytes:
    """Return the output of the terminal until it contains `text`; all of it if `text` is empty."""
    found = b""
    while not text or text not in found:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # Linux: no process holds the other end
            piece = b""
        if not piece:
            assert not text, found.decode(errors="replace")
            return found
        found += piece
    return found
