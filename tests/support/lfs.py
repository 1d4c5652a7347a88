"""Git LFS objects and the API that grants access to them (Git LFS: Batch API), for a simulated host."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

API = "/objects/batch"
STORED = "/stored-lfs/"
"""Path of the objects; each has its own token."""
JSON = {"Content-Type": "application/vnd.git-lfs+json"}
Answer = tuple[int, dict[str, str], bytes]


@dataclass
class LfsObjects:
    """Objects by id."""

    contents: dict[str, bytes] = field(default_factory=dict)

    def batch(self, url: str, body: bytes) -> Answer:
        """Answer a call of the Batch API; `url` is that of the host."""
        asked = json.loads(body)
        objects = [
            {**each, "authenticated": True, "actions": {asked["operation"]: _action(url, each["oid"])}}
            for each in asked["objects"]
        ]
        return 200, JSON, json.dumps({"transfer": "basic", "objects": objects}).encode()

    def stored(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer a download or an upload of one object."""
        oid = path.removeprefix(STORED)
        if headers["Authorization"] != f"Object {oid}":
            return 403, {}, b""
        if method == "PUT":
            self.contents[oid] = body
        return 200, {}, self.contents[oid] if method == "GET" else b""


def _action(url: str, oid: str) -> dict[str, object]:
    return {"href": f"{url}{STORED}{oid}", "header": {"Authorization": f"Object {oid}"}}
