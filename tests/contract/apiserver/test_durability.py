"""Acknowledged writes survive a restart and a crash of the embedded server; concurrent writes have one winner."""

import json
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from tests.contract.apiserver.client import Server
from tests.contract.apiserver.conftest import new_namespace
from tests.contract.apiserver.samples import Namespace, sample
from tests.support import embedded_server

PROGRAM = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    import uvicorn
    from functions.local.apiserver import Registry, Store, create_app
    from functions.local.database import connect
    from tests.support.embedded_server import CRDS, SampleLogs

    app = create_app(Store(connect(Path(sys.argv[1]))), Registry.load(CRDS), SampleLogs())
    uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
    """
)


def started(database: Path) -> tuple[subprocess.Popen[bytes], Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(database), str(port)])
    server = Server("embedded", f"http://127.0.0.1:{port}")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            server.get("/readyz")
        except OSError:
            time.sleep(0.05)
        else:
            return process, server
    process.kill()
    raise AssertionError("the server did not start")


def test_objects_versions_and_history_survive_a_restart(tmp_path: Path) -> None:
    database = tmp_path / "state.sqlite"
    with embedded_server.running(database) as url:
        namespace = new_namespace(Server("embedded", url))
        since = namespace.server.get(namespace.path()).body["metadata"]["resourceVersion"]
        created = namespace.create(sample())
        namespace.server.patch(namespace.path(name="a"), {"spec": {"task": 2}})
    with embedded_server.running(database) as url:
        again = Namespace(Server("embedded", url), namespace.name)
        assert again.get("a")["metadata"]["uid"] == created["metadata"]["uid"]
        events = again.server.watch(again.path(), resourceVersion=since)
        assert [event["type"] for event in events] == ["ADDED", "MODIFIED"]
        before = int(again.get("a")["metadata"]["resourceVersion"])
        after = again.server.patch(again.path(name="a"), {"spec": {"task": 3}}).body
        assert int(after["metadata"]["resourceVersion"]) > before


@pytest.mark.parametrize("writes", [10, 60])
def test_acknowledged_writes_survive_sigkill(tmp_path: Path, writes: int) -> None:
    database = tmp_path / "state.sqlite"
    process, server = started(database)
    answered: dict[str, str] = {}
    namespace = new_namespace(server)
    killing = threading.Timer(0.01, process.send_signal, [signal.SIGKILL])
    try:
        for number in range(10_000):
            if number == writes:
                killing.start()
            created = server.post(namespace.path(), sample(f"s-{number}"))
            answered[f"s-{number}"] = created.body["metadata"]["resourceVersion"]
    except (OSError, json.JSONDecodeError):
        pass
    process.wait(timeout=10)
    assert len(answered) >= writes
    with embedded_server.running(database) as url:
        again = Namespace(Server("embedded", url), namespace.name)
        items = again.server.get(again.path()).body["items"]
        found = {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in items}
        assert answered.items() <= found.items()
        assert len(found) <= len(answered) + 1
        assert len(set(found.values())) == len(found)
        events = again.server.watch(again.path())
        assert len(events) == len(found)


def test_one_of_many_writers_of_the_same_version_succeeds(embedded_namespace: Namespace) -> None:
    created = embedded_namespace.create(sample())
    codes: list[int] = []

    def write(task: int) -> None:
        body = {**created, "spec": {**created["spec"], "task": task}}
        codes.append(embedded_namespace.server.put(embedded_namespace.path(name="a"), body).code)

    threads = [threading.Thread(target=write, args=[task]) for task in range(2, 22)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert sorted(codes) == [200] + [409] * 19


def test_one_of_many_creators_of_the_same_name_succeeds(embedded_namespace: Namespace) -> None:
    codes: list[int] = []

    def create() -> None:
        codes.append(embedded_namespace.server.post(embedded_namespace.path(), sample()).code)

    threads = [threading.Thread(target=create) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert sorted(codes) == [201] + [409] * 19


def test_new_default_of_a_crd_shows_in_old_objects(tmp_path: Path) -> None:
    crds = tmp_path / "crds"
    crds.mkdir()
    definition = (embedded_server.CRDS / "samples.yaml").read_text()
    (crds / "samples.yaml").write_text(definition)
    database = tmp_path / "state.sqlite"
    with embedded_server.running(database, crds) as url:
        namespace = new_namespace(Server("embedded", url))
        namespace.create(sample())
    marker = "              app: {type: string}\n"
    (crds / "samples.yaml").write_text(
        definition.replace(marker, marker + "              more: {type: string, default: d}\n")
    )
    with embedded_server.running(database, crds) as url:
        assert Namespace(Server("embedded", url), namespace.name).get("a")["spec"]["more"] == "d"
