"""The real broker of a pod, in a thread of the test: on loopback, with its mounts below a directory."""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.broker import configuration
from functions.broker.readiness import FILE, Ready
from functions.broker.server import Broker, Mounts

API_KEY = "sk-ant-api03-" + "k" * 40


@dataclass(frozen=True)
class Running:
    """A running broker."""

    mounts: Mounts
    broker: Broker
    ready: Ready

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ready.port}"

    @property
    def bearer(self) -> dict[str, str]:
        """Return the headers that the agent's programs send."""
        return {"Authorization": f"Bearer {self.ready.credential}"}

    @property
    def git_environ(self) -> dict[str, str]:
        """Return the environment with which git sends the pod's random value to this broker."""
        return {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{self.url}/.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Bearer {self.ready.credential}",
        }


def lay_out(root: Path, given: Mapping[str, Any], secrets: Mapping[str, str]) -> Mounts:
    """Write the configuration and the secrets, whose names are paths below /secrets; return the mounts."""
    mounts = Mounts(root)
    mounts.configuration.parent.mkdir(parents=True, exist_ok=True)
    mounts.configuration.write_text(json.dumps(given))
    mounts.shared.mkdir(parents=True, exist_ok=True)
    mounts.secrets.mkdir(exist_ok=True)
    for name, text in secrets.items():
        (mounts.secrets / name).parent.mkdir(exist_ok=True)
        (mounts.secrets / name).write_text(text)
        (mounts.secrets / name).chmod(0o400)
    return mounts


@contextmanager
def serving(mounts: Mounts) -> Iterator[Running]:
    """Run the broker of `mounts` until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="broker", daemon=True)
    thread.start()
    try:
        broker = Broker(configuration.load(mounts.configuration), mounts)
        ready = asyncio.run_coroutine_threadsafe(broker.start(), loop).result(60)
        assert json.loads((mounts.shared / FILE).read_text())["port"] == ready.port
        yield Running(mounts, broker, ready)
        asyncio.run_coroutine_threadsafe(broker.stop(), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def git_of(host: str = "github.com", api_url: str = "https://api.github.com", **identity: Any) -> dict[str, Any]:
    """Return the section `git` of a configuration: repository shop writable, platform readable."""
    repositories = [
        {"url": f"https://{host}/acme/{name}", "name": f"acme/{name}", "writable": name == "shop"}
        for name in ("shop", "platform")
    ]
    return {"api_url": api_url, "host": host, "repositories": repositories, **identity}


def model_of(url: str, credential: str = "api_key", **more: Any) -> dict[str, Any]:
    """Return the section `model` of a configuration."""
    known = {"credential": credential, "url": url, "paths": [r"v1/messages(/count_tokens)?", r"v1/models(/[\w.-]+)?"]}
    return {**known, "secret": "claude-api-key", "key": "api-key", **more}
