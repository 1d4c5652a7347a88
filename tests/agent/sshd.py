"""A real OpenSSH server on loopback as Git host: one key may run git's services only."""

import os
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path

from functions.local.dev.server import free_port

PRIVILEGE_SEPARATION = Path("/run/sshd")
"""A directory that Debian's sshd requires when root starts it."""


@dataclass(frozen=True)
class SshServer:
    """Address, host key and user key of the server."""

    port: int
    host_key: str
    """A line of a known_hosts file."""
    private_key: str

    def url(self, directory: Path) -> str:
        """Return the URL of the repositories in `directory`, with a trailing slash."""
        return f"ssh://{getuser()}@127.0.0.1:{self.port}{directory}/"


def make_key(path: Path) -> str:
    """Create an ed25519 key pair; return the public part as `type key`."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)
    return path.with_suffix(".pub").read_text().strip()


@contextmanager
def serving(program: str, git_shell: str, directory: Path) -> Iterator[SshServer]:
    """Run a server with its files in `directory` until the block ends."""
    host_key, user_key = make_key(directory / "host"), make_key(directory / "user")
    command = f'{shlex.quote(git_shell)} -c \\"$SSH_ORIGINAL_COMMAND\\"'
    (directory / "authorized_keys").write_text(f'restrict,command="{command}" {user_key}\n')
    if os.getuid() == 0:
        PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    port = free_port()
    (directory / "config").write_text(_config(directory, port))
    with (directory / "log").open("wb") as log:
        arguments = [program, "-D", "-e", "-f", str(directory / "config")]
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _until_it_answers(port, process, directory / "log")
        yield SshServer(port, f"[127.0.0.1]:{port} {host_key}", (directory / "user").read_text())
    finally:
        process.terminate()
        process.wait(10)


def _config(directory: Path, port: int) -> str:
    options = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": directory / "host",
        "PidFile": "none",
        "AuthorizedKeysFile": directory / "authorized_keys",
        "AuthenticationMethods": "publickey",
        "PermitRootLogin": "forced-commands-only",
        "StrictModes": "no",
        "UsePAM": "no",
        "MaxStartups": "100",
    }
    return "".join(f"{name} {value}\n" for name, value in options.items())


def _until_it_answers(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
