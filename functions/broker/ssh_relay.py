"""Git over SSH for the run's repositories: the broker runs ssh itself, with the user's key and pinned host keys.

The agent's `GIT_SSH_COMMAND` (templates/shared/ssh_relay.py) connects to a Unix socket and sends one line of JSON with
what git asks for, together with its own standard streams, which become those of ssh. The answer is one line: ssh's
exit code. Only git-upload-pack, git-receive-pack and git-lfs-authenticate run, only on the run's repositories, whatever
was asked for; what the last one answers is kept here (git_lfs.py).
"""

import hmac
import json
import logging
import os
import re
import shlex
import socket  # no server of a library passes descriptors on
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.broker import git_lfs, repositories
from functions.broker.configuration import Git, Repository
from functions.broker.git_lfs import GrantError, LfsGrants
from functions.broker.repositories import SshAddress

log = logging.getLogger("orchestrator")

MAX_REQUEST = 8192
"""Bytes of a request; paths are shorter."""
STREAMS = 3
REFUSED = 128
"""Exit code of git for a fatal error (git(1))."""
SEND_SECONDS = 10.0
"""How long a client may take to send its request."""

_PROTOCOL = re.compile(r"version=[0-9]")


@dataclass(frozen=True, slots=True)
class SshFiles:
    """Where the key and the pinned host keys are mounted."""

    key: Path
    known_hosts: Path

    def options(self) -> list[str]:
        """Return ssh's options (ssh_config(5)): this key, these hosts, nothing else and no question."""
        settings = {
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(self.known_hosts),
            "GlobalKnownHostsFile": "/dev/null",
            "ForwardAgent": "no",
            "ClearAllForwardings": "yes",
            "PermitLocalCommand": "no",
            "RequestTTY": "no",
            "SendEnv": "GIT_PROTOCOL",
        }
        return ["-F", "/dev/null", "-i", str(self.key), *(f"-o{name}={value}" for name, value in settings.items())]


@dataclass(frozen=True, slots=True)
class Allowed:
    """What git asks for and the run may do."""

    repository: Repository
    service: str
    """With its operation, if it is that of git-lfs."""
    target: SshAddress

    def command(self, files: SshFiles) -> Sequence[str]:
        """Return the command line of ssh."""
        login = ["-p", str(self.target.port), "--", f"{self.target.user}@{self.target.host}"]
        program, _, operation = self.service.partition(" ")
        return ["ssh", *files.options(), *login, f"{program} {_quoted(self.target.path)} {operation}".rstrip()]


def allowed(git: Git, asked: dict[str, Any]) -> Allowed | None:
    """Return what git asks for; None if the run may not do it."""
    address, service = _asked(asked)
    match = repositories.by_ssh(git, address) if address else None
    if not match or not repositories.may_run(match[0], service):
        return None
    return Allowed(match[0], service, match[1])


def _quoted(path: str) -> str:
    """Return the path in quotes, which git-shell(1) demands even where a shell does not."""
    return "'" + path.replace("'", "'\\''") + "'"


def _asked(asked: dict[str, Any]) -> tuple[SshAddress | None, str]:
    """Return the repository and the service that git named; None for what is no such command."""
    try:
        service, path, *operation = shlex.split(str(asked["command"]))
        place = SshAddress(str(asked["host"]), int(asked["port"]), str(asked["user"]), path)
        return place, " ".join((service, *operation))
    except (KeyError, ValueError, TypeError):
        return None, ""


class SshRelay:
    """Serves the Unix socket, one thread for each ssh."""

    def __init__(self, git: Git, files: SshFiles, credential: str, lfs: LfsGrants) -> None:
        self._git, self._files, self._credential, self._lfs = git, files, credential, lfs

    def start(self, path: Path) -> None:
        """Listen at `path`; the agent's container, which has another uid, may connect."""
        path.unlink(missing_ok=True)  # of this pod's broker before it was restarted
        listener = socket.socket(socket.AF_UNIX)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            # By the directory's descriptor: an address has at most 108 bytes (unix(7)), and paths of one machine more.
            listener.bind(f"/proc/self/fd/{directory}/{path.name}")
        finally:
            os.close(directory)
        path.chmod(0o666)
        listener.listen()
        threading.Thread(target=self._serve, args=(listener,), name="ssh", daemon=True).start()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self._answer, args=(connection,), name="ssh", daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(SEND_SECONDS)
            line, descriptors, _, _ = socket.recv_fds(connection, MAX_REQUEST, STREAMS)
            try:
                while line and not line.endswith(b"\n") and len(line) < MAX_REQUEST:
                    line += connection.recv(MAX_REQUEST - len(line))
                connection.settimeout(None)
                code = self._run(line, descriptors, connection) if len(descriptors) == STREAMS else REFUSED
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
            connection.sendall(f"{code}\n".encode())

    def _run(self, line: bytes, streams: Sequence[int], connection: socket.socket) -> int:
        """Run ssh on the client's streams; return its exit code."""
        asked = _parsed(line)
        if not hmac.compare_digest(str(asked.get("credential")).encode(), self._credential.encode()):
            return _refuse(streams, "the credential is not this pod's")
        wanted = allowed(self._git, asked)
        if wanted is None:
            log.warning("refused over ssh: %.200r", asked.get("command"))
            return _refuse(streams, "git and git-lfs may reach the run's repositories alone")
        protocol = str(asked.get("protocol"))
        environ = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
        environ |= {"GIT_PROTOCOL": protocol} if _PROTOCOL.fullmatch(protocol) else {}
        command = wanted.command(self._files)
        if wanted.service.startswith(repositories.LFS_SERVICE):
            return self._grant(wanted, command, environ, streams)
        process = subprocess.Popen(command, stdin=streams[0], stdout=streams[1], stderr=streams[2], env=environ)
        threading.Thread(target=_end_with, args=(connection, process), name="ssh", daemon=True).start()
        code = process.wait()
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RD)  # ends the thread
        return code if code >= 0 else REFUSED

    def _grant(self, wanted: Allowed, command: Sequence[str], environ: dict[str, str], streams: Sequence[int]) -> int:
        """Answer git-lfs; return the exit code. What the Git host grants does not reach the client."""
        target = wanted.target
        default = f"https://{target.host}/{target.path.strip('/').removesuffix('.git')}.git/info/lfs"
        place = self._git.repositories.index(wanted.repository), wanted.service.partition(" ")[2]
        try:
            granted = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=streams[2],
                env=environ,
                timeout=git_lfs.SECONDS,
                check=False,
            )
            if granted.returncode == 0:
                os.write(streams[1], self._lfs.keep(granted.stdout, *place, default) + b"\n")
        except (subprocess.TimeoutExpired, GrantError) as error:
            return _refuse(streams, str(error) if isinstance(error, GrantError) else "the Git host grants nothing")
        return granted.returncode if granted.returncode >= 0 else REFUSED


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return asked if isinstance(asked, dict) else {}


def _refuse(streams: Sequence[int], why: str) -> int:
    with suppress(OSError):
        os.write(streams[2], f"the broker refuses: {why}\n".encode())
    return REFUSED


def _end_with(connection: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    """End ssh when the client has gone."""
    with suppress(OSError):
        connection.recv(1)
    if process.poll() is None:
        process.terminate()
