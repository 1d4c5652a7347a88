"""Run the broker of one pod: `python -m functions.broker`, until the pod ends.

The environment variable POD_ROOT is empty in a container; on one machine it is the directory with the pod's mounts.
"""

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from functions import startup

startup.begin()

from functions.broker import configuration  # noqa: E402  (after the process is tuned)
from functions.broker.configuration import ConfigurationError  # noqa: E402
from functions.broker.server import Broker, Mounts  # noqa: E402

startup.finish()

log = logging.getLogger("orchestrator")


async def serve(mounts: Mounts) -> None:
    """Serve until the process receives SIGTERM or SIGINT. Raises ConfigurationError."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    broker = Broker(configuration.load(mounts.configuration), mounts)
    ready = await broker.start()
    for part, problem in ready.problems.items():
        log.error("%s: %s: %s", part, problem.reason, problem.message)
    log.info("the broker is ready")
    await stopped.wait()
    await broker.stop()
    log.info("model: %s", broker.usage.as_json())


def main() -> int:
    """Run until a signal; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        asyncio.run(serve(Mounts(Path(os.environ.get("POD_ROOT") or "/"))))
    except ConfigurationError as error:
        log.error("the broker cannot start: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
