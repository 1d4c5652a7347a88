"""Sends many requests to one function: `python -m tests.benchmarks.load PORT COUNT CONNECTIONS`.

Reads requests as JSON lines from standard input, sends them in turn, and writes the figures as JSON.
"""

import asyncio
import base64
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp

from tests.benchmarks.deployed import Post
from tests.support.api import ROOT

LONGEST_SECONDS = 120


@dataclass(frozen=True)
class Load:
    """Requests per second, the seconds of each request, and the number of answers by status code."""

    rate: float
    seconds: list[float]
    codes: dict[int, int]


def send(port: int, posts: Sequence[Post], count: int, connections: int) -> Load:
    """Send `count` requests, the given ones in turn, over a number of connections from another process."""
    lines = [
        json.dumps({"body": base64.b64encode(each.body).decode(), "headers": dict(each.headers)}) for each in posts
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.load", str(port), str(count), str(connections)],
        input="\n".join(lines),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    return Load(found["rate"], found["seconds"], {int(code): number for code, number in found["codes"].items()})


async def _load(port: int, count: int, connections: int, requests: list[dict[str, Any]]) -> Load:
    url, left = f"http://127.0.0.1:{port}/", iter(range(count))
    seconds, codes = list[float](), Counter[int]()
    bodies = [(base64.b64decode(each["body"]), each["headers"]) for each in requests]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:

        async def one() -> None:
            for number in left:
                body, headers = bodies[number % len(bodies)]
                begun = time.perf_counter()
                async with session.post(url, data=body, headers=headers) as answer:
                    await answer.read()
                    codes[answer.status] += 1
                seconds.append(time.perf_counter() - begun)

        begun = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(connections)))
        return Load(count / (time.perf_counter() - begun), seconds, dict(codes))


def _main(port: str, count: str, connections: str) -> None:
    requests = [json.loads(line) for line in sys.stdin]
    print(json.dumps(asdict(asyncio.run(_load(int(port), int(count), int(connections), requests)))))


if __name__ == "__main__":
    _main(*sys.argv[1:])
