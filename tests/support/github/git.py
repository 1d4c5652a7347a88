"""Repositories over git's own protocol, within the rights of a token (git-http-backend(1)); Git LFS."""

import base64
import json
import os
import re
import subprocess
from dataclasses import dataclass
from email.message import Message
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.support import lfs

if TYPE_CHECKING:
    from tests.support.github.server import Github

PATH = re.compile(
    r"/([\w.-]+/[\w.-]+?)(?:\.git)?(/(?:info/refs|git-upload-pack|git-receive-pack|info/lfs/objects/batch))"
)
_LFS = {"download": "git-upload-pack", "upload": "git-receive-pack"}
"""The git service whose permission an operation of Git LFS needs."""
Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class GitRequest:
    """A request of git."""

    method: str
    target: str
    headers: Message
    body: bytes


def answer(github: "Github", asked: GitRequest) -> Answer:
    """Answer a request of git; 404 unless the repository has files."""
    url = urlsplit(asked.target)
    if url.path.startswith(lfs.STORED):
        return github.lfs.stored(asked.method, url.path, dict(asked.headers), asked.body)
    found = PATH.fullmatch(url.path)
    bare = found and next((each.bare for each in github.repositories if each.full_name == found[1]), None)
    if not found or not bare:
        return 404, {}, b""
    is_lfs = found[2].endswith(lfs.API)
    service = (
        _LFS[json.loads(asked.body)["operation"]] if is_lfs else url.query.removeprefix("service=") or found[2][1:]
    )
    authorization = asked.headers.get("Authorization") or ""
    if not _may(github, authorization, found[1], service):
        status = 403 if _may(github, authorization, found[1], "git-upload-pack") else 401
        return status, {"WWW-Authenticate": 'Basic realm="GitHub"'}, b""
    if is_lfs:
        return github.lfs.batch(github.place.url, asked.body)
    environ = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(bare.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{bare.name}{found[2]}",
        "QUERY_STRING": url.query,
        "REQUEST_METHOD": asked.method,
        "CONTENT_TYPE": asked.headers.get("Content-Type") or "",
        "CONTENT_LENGTH": str(len(asked.body)),
        "HTTP_CONTENT_ENCODING": asked.headers.get("Content-Encoding") or "",
        "GIT_PROTOCOL": asked.headers.get("Git-Protocol") or "",
        "REMOTE_USER": "app",
        "REMOTE_ADDR": "127.0.0.1",
    }
    done = subprocess.run(["git", "http-backend"], input=asked.body, env=environ, capture_output=True, check=True)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    return int(headers.pop("Status", "200").split()[0]), headers, content


def _may(github: "Github", authorization: str, repository: str, service: str) -> bool:
    if not authorization.startswith("Basic "):
        return False
    user, _, password = base64.b64decode(authorization[6:]).decode().partition(":")
    token = github.app.token(password, github.clock())
    if not token or user != "x-access-token" or repository.split("/")[1] not in (token.repositories or ()):
        return False
    return service == "git-upload-pack" or token.permissions.get("contents") == "write"
