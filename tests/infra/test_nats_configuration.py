"""The NATS configuration of the cluster overlay and its components, on real servers at addresses of this machine."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from nats.errors import Error
from pydantic import SecretStr

from functions.local.dev.function_processes import Program, stop
from functions.local.dev.server import free_port
from functions.local.nats import find
from functions.queues.publisher import PublishError
from functions.settings.nats import NatsSettings
from tests.infra.manifests import Object, of_kind
from tests.infra.test_newer_kinds import with_component
from tests.queues.nats_bench import Bench, event, jobs
from tests.support.github.certificate import make
from tests.support.waiting import until

PASSWORDS = {"PUBLISHER_PASSWORD": "p", "DISPATCH_PASSWORD": "d"}


@contextmanager
def servers(items: list[Object], folder: Path, tls: Path) -> Iterator[tuple[list[str], list[Program]]]:
    """Start the servers of the StatefulSet; yield their URLs and processes."""
    workload = of_kind(items, "StatefulSet")["orchestrator-nats"]["spec"]
    (name,) = [each["configMap"]["name"] for each in workload["template"]["spec"]["volumes"] if "configMap" in each]
    files = of_kind(items, "ConfigMap")[name]["data"]
    names = [f"orchestrator-nats-{number}" for number in range(workload["replicas"])]
    ports = {each: {port: free_port() for port in ("4222", "8222", "6222")} for each in names}
    processes = []
    for each in names:
        home = folder / each
        home.mkdir()
        for file, text in files.items():
            (home / file).write_text(_here(text, ports, each, home).replace('"/etc/nats-tls/', f'"{tls}/'))
        program, option, file = workload["template"]["spec"]["containers"][0]["command"]
        command = [str(find()), option, file.replace("/etc/nats", str(home))]
        assert program == "nats-server"
        environ = {"PATH": os.environ["PATH"], "POD_NAME": each, **PASSWORDS}
        processes.append(Program(each, command, environ, folder / f"{each}.log"))
    try:
        for process in processes:
            process.start()
        yield [f"nats://127.0.0.1:{ports[each]['4222']}" for each in names], processes
    finally:
        stop(processes)


def _here(text: str, ports: dict[str, dict[str, int]], name: str, home: Path) -> str:
    """Return the configuration of a server with the addresses and the folder of this machine."""
    for port, own in ports[name].items():
        text = text.replace(f'"0.0.0.0:{port}"', f'"127.0.0.1:{own}"')
    for peer, theirs in ports.items():
        text = text.replace(f"//{peer}.orchestrator-nats:6222", f"//127.0.0.1:{theirs['6222']}")
    return text.replace('"/data/', f'"{home}/')


def bench(urls: list[str], user: str, **options: object) -> Bench:
    password = SecretStr(PASSWORDS[f"{user.upper()}_PASSWORD"])
    settings = NatsSettings.model_validate({"servers": urls, "user": user, "password": password, **options})
    return Bench(settings, "")


def is_applied(found: Bench) -> bool:
    """Return whether the streams could be created; a cluster needs a leader first."""
    try:
        found.apply(jobs("http://127.0.0.1:1/"))
    except Exception as error:  # noqa: BLE001  (what it is, the caller's time-out shows)
        print(error)
        return False
    return True


def stored(found: Bench) -> list[str]:
    """Return the ids of the events in the stream; none while the servers elect a leader."""
    try:
        return [(each.headers or {})["ce-id"] for each in found.stored("jobs")]
    except (Error, TimeoutError) as error:
        print(error)
        return []


@pytest.mark.usefixtures("nats_server")
def test_a_stream_survives_the_loss_of_one_of_three_servers(kubectl: str, tmp_path: Path) -> None:
    items = with_component(kubectl, tmp_path, "nats-cluster")
    dispatch = of_kind(items, "Deployment")["orchestrator-dispatch"]["spec"]["template"]["spec"]["containers"][0]
    environ = {each["name"]: each.get("value") for each in dispatch["env"]}
    with servers(items, tmp_path, tmp_path) as (urls, processes):
        dispatcher = bench(urls, "dispatch", replicas=environ["ORCHESTRATOR_QUEUES__NATS__REPLICAS"])
        until(lambda: is_applied(dispatcher), 100)
        publisher = bench(urls, "publisher").publisher(60)
        publisher.publish("jobs", event("before"))
        assert processes[0].process
        os.killpg(processes[0].process.pid, signal.SIGKILL)
        publisher.publish("jobs", event("after"))
        until(lambda: stored(bench(urls[1:], "dispatch")) == ["before", "after"], 60)


@pytest.mark.usefixtures("nats_server")
def test_a_client_needs_the_certificate_with_tls(kubectl: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    own = make(secret)
    own.path.rename(secret / "tls.crt")
    own.key.rename(secret / "tls.key")
    with servers(with_component(kubectl, tmp_path, "nats-tls"), tmp_path, secret) as (urls, _):
        encrypted = [url.replace("nats:", "tls:") for url in urls]
        until(lambda: is_applied(bench(encrypted, "dispatch", ca_file=secret / "tls.crt")), 60)
        bench(encrypted, "publisher", ca_file=secret / "tls.crt").publisher().publish("jobs", event("one"))
        with pytest.raises(PublishError, match="certificate verify failed"):
            bench(encrypted, "publisher").publisher(0.5).publish("jobs", event("two"))
