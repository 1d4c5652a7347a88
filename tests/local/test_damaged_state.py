"""Damaged state is named with what to do and never deleted; processes that were started are stopped."""

import json
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from functions.local import apiserver
from functions.local.database import StateError, connect
from functions.local.dev.function_processes import Register, RegisterError
from functions.local.dev.stack import Options, Stack, StartError


def whole(path: Path) -> None:
    """Create a valid database of several pages."""
    connection = connect(path)
    apiserver.Store(connection)
    rows = ((f"name-{number}", str(number), "x" * 2000) for number in range(50))
    connection.executemany("INSERT INTO objects VALUES ('pods', '', ?, ?, 0, ?)", rows)
    connection.close()  # a close moves everything from the log to the file


def cut_off(path: Path) -> None:
    whole(path)
    path.write_bytes(path.read_bytes()[:20_000])


def overwritten(path: Path) -> None:
    whole(path)
    data = bytearray(path.read_bytes())
    data[4096:16_384] = b"\xff" * 12_288
    path.write_bytes(data)


def of_another_form(path: Path) -> None:
    path.write_text("a letter to the editor\n" * 100)


def of_another_program(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.close()


def of_another_shape(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE objects (colour TEXT)")
    other.close()


DAMAGES = [cut_off, overwritten, of_another_form, of_another_program, of_another_shape]


def options(folder: Path, port: int = 0) -> Options:
    return Options(folder, port=port, environ={"PATH": "/usr/bin:/bin"})


@pytest.mark.parametrize("make_damage", DAMAGES, ids=lambda each: each.__name__)
def test_damaged_database_is_named_and_kept(tmp_path: Path, make_damage: Callable[[Path], None]) -> None:
    file = tmp_path / "state.sqlite"
    make_damage(file)
    before = file.read_bytes()
    with pytest.raises(StartError) as caught:
        Stack(options(tmp_path), [])
    assert str(file) in str(caught.value)
    assert "move it away" in str(caught.value)
    if make_damage is not of_another_shape:  # not recognised as foreign before its columns are used
        assert file.read_bytes() == before
    shutil.move(file, tmp_path / "kept")
    Stack(options(tmp_path), []).stop()


def test_directory_in_place_of_the_database_is_reported(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").mkdir()
    with pytest.raises(StateError, match=r"state.sqlite cannot be used .*must be a file"):
        connect(tmp_path / "state.sqlite")


@pytest.mark.parametrize("damage", ["[1]", "", "{", "null", '{"a": 1}', '{"PID": 1, "7": "x"}', '{"PID": 1, "-1": 1}'])
def test_damaged_process_register_ends_no_process(tmp_path: Path, damage: str) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as child:
        started = psutil.Process(child.pid).create_time()
        file = tmp_path / "processes.json"
        file.write_text(damage.replace('"PID": 1', f'"{child.pid}": {started}'))
        with pytest.raises(RegisterError, match=r"processes\.json is damaged.*remove the file"):
            Register(file).end_leftovers()
        assert child.poll() is None
        file.write_text(json.dumps({child.pid: started}))
        assert Register(file).end_leftovers() == 1
        child.wait(30)


def test_stop_after_a_failed_start_is_silent_and_frees_the_folder(tmp_path: Path) -> None:
    (tmp_path / "processes.json").write_text("[1]")
    stack = Stack(options(tmp_path), [])
    with pytest.raises(StartError, match=r"processes\.json is damaged"):
        stack.start()
    stack.stop()
    (tmp_path / "processes.json").unlink()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        stack = Stack(options(tmp_path, held.getsockname()[1]), [])
        with pytest.raises(StartError, match="port in use"):
            stack.start()
        stack.stop()
    Stack(options(tmp_path), []).stop()
