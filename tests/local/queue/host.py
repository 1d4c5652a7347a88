"""Serve a queue in its own process, so that a test can kill it. Arguments: database, URL of the consumer."""

import asyncio
import sys
from pathlib import Path

import uvicorn

from functions.local.database import connect
from functions.local.queue import Queue, RetryPolicy, Subscription, Topology, create_app


async def main(database: str, endpoint: str) -> None:
    subscription = Subscription("to-0", "jobs", endpoint, retry=RetryPolicy(0.05, 0.2), ack_deadline=30)
    queue = Queue(connect(Path(database)), Topology(("jobs",), (subscription,)))
    server = uvicorn.Server(uvicorn.Config(create_app(queue), port=0, log_level="error", lifespan="off"))
    await queue.start()
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await serving


asyncio.run(main(*sys.argv[1:]))
