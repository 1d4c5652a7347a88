"""Runs ssh for git on the run's repositories, with the user's key and pinned host keys.

The agent's `GIT_SSH_COMMAND` (templates/shared/ssh_relay.py) connects to a Unix socket and sends one line of JSON with
the arguments of ssh, and its standard streams, which become those of ssh. The answer is one line: ssh's exit code. Only
git-upload-pack, git-receive-pack and git-lfs-authenticate are run, and only on the run's repositories. The output of
git-lfs-authenticate is kept here (git_lfs.py).
"""

import hmac
import json
import logging
import os
import re
import shlex
import socket  # server libraries do not receive descriptors
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
"""Time in which a client must send its request."""

_PROTOCOL = re.compile(r"version=[0-9]")


@dataclass(frozen=True, slots=True)
class SshFiles:
    """The mounted key and pinned host keys."""

    key: Path
    known_hosts: Path

    def options(self) -> list[str]:
        """Return the options of ssh (ssh_config(5)): only this key and these hosts, no prompt."""
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
            "ConnectTimeout": "30",
            "ServerAliveInterval": "15",  # with ServerAliveCountMax, 3 by default: a silent connection ends after 45 s
        }
        return ["-F", "/dev/null", "-i", str(self.key), *(f"-o{name}={value}" for name, value in settings.items())]


@dataclass(frozen=True, slots=True)
class RemoteCommand:
    """A command of git or git-lfs on one of the run's repositories."""

    repository: Repository
    service: str
    """Name of the command; for git-lfs-authenticate with the operation."""
    target: SshAddress

    def command(self, files: SshFiles) -> Sequence[str]:
        """Return the command line of ssh that runs it."""
        login = ["-p", str(self.target.port), "--", f"{self.target.user}@{self.target.host}"]
        program, _, operation = self.service.partition(" ")
        return ["ssh", *files.options(), *login, f"{program} {_quoted(self.target.path)} {operation}".rstrip()]


def allowed_command(git: Git, request: dict[str, Any]) -> RemoteCommand | None:
    """Return the requested command; None if the run may not execute it."""
    address, service = _address_and_service(request)
    match = repositories.by_ssh(git, address) if address else None
    if not match or not repositories.may_run(match[0], service):
        return None
    return RemoteCommand(match[0], service, match[1])


def _quoted(path: str) -> str:
    """Return the path in quotes, which git-shell(1) requires even if a shell does not."""
    return "'" + path.replace("'", "'\\''") + "'"


def _address_and_service(request: dict[str, Any]) -> tuple[SshAddress | None, str]:
    """Return address and service of a request; None and an empty string if it is malformed."""
    try:
        service, path, *operation = shlex.split(str(request["command"]))
        address = SshAddress(str(request["host"]), int(request["port"]), str(request["user"]), path)
        return address, " ".join((service, *operation))
    except (KeyError, ValueError, TypeError):
        return None, ""


class SshRelay:
    """Serves the Unix socket, one thread for each ssh."""

    def __init__(self, git: Git, files: SshFiles, credential: str, lfs: LfsGrants) -> None:
        self._git, self._files, self._credential, self._lfs = git, files, credential, lfs

    def start(self, path: Path) -> None:
        """Listen at `path`, to which the agent's container can connect with another uid."""
        path.unlink(missing_ok=True)  # left by this container before it was restarted
        listener = socket.socket(socket.AF_UNIX)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            # The address contains the directory's descriptor, not its path: it has at most 108 bytes (unix(7)).
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
        request = _parsed(line)
        if not hmac.compare_digest(str(request.get("credential")).encode(), self._credential.encode()):
            return _refuse(streams, "the credential is not this pod's")
        wanted = allowed_command(self._git, request)
        if wanted is None:
            log.warning("refused over ssh: %.200r", request.get("command"))
            return _refuse(streams, "only commands of git and git-lfs on the run's repositories are allowed")
        protocol = str(request.get("protocol"))
        environ = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
        environ |= {"GIT_PROTOCOL": protocol} if _PROTOCOL.fullmatch(protocol) else {}
        command = wanted.command(self._files)
        if wanted.service.startswith(repositories.LFS_SERVICE):
            return self._grant_lfs(wanted, command, environ, streams)
        process = subprocess.Popen(command, stdin=streams[0], stdout=streams[1], stderr=streams[2], env=environ)
        threading.Thread(target=_end_on_disconnect, args=(connection, process), name="ssh", daemon=True).start()
        code = process.wait()
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RD)  # which ends the thread
        return code if code >= 0 else REFUSED

    def _grant_lfs(
        self, wanted: RemoteCommand, command: Sequence[str], environ: dict[str, str], streams: Sequence[int]
    ) -> int:
        """Answer git-lfs with an address of the broker, which keeps the grant; return the exit code."""
        target = wanted.target
        default = f"https://{target.host}/{target.path.strip('/').removesuffix('.git')}.git/info/lfs"
        repository, operation = self._git.repositories.index(wanted.repository), wanted.service.partition(" ")[2]
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
                os.write(streams[1], self._lfs.keep(granted.stdout, repository, operation, default) + b"\n")
        except GrantError as error:
            return _refuse(streams, str(error))
        except subprocess.TimeoutExpired:
            return _refuse(streams, f"the Git host did not answer within {git_lfs.SECONDS:.0f} s")
        return granted.returncode if granted.returncode >= 0 else REFUSED


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return request if isinstance(request, dict) else {}


def _refuse(streams: Sequence[int], why: str) -> int:
    with suppress(OSError):
        os.write(streams[2], f"the broker refuses: {why}\n".encode())
    return REFUSED


def _end_on_disconnect(connection: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    """Wait until the client disconnects, then end ssh."""
    with suppress(OSError):
        connection.recv(1)
    if process.poll() is None:
        process.terminate()
