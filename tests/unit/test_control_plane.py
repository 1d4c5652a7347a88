"""A port that another process takes before the control plane listens on it: the control plane starts on another."""

import socket
from contextlib import ExitStack

import pytest

from tests.support.control_plane import TRIES, PortTakenError, on_free_ports


def test_other_ports_are_tried_while_one_is_taken() -> None:
    tried: list[int] = []

    def start(ports: list[int]) -> socket.socket:
        tried.extend(ports)
        server = opened.enter_context(socket.socket())
        server.bind(("127.0.0.1", ports[0]))
        if len(tried) < TRIES:
            raise PortTakenError("address already in use")
        return server

    with ExitStack() as opened:
        assert on_free_ports(1, start).getsockname()[1] == tried[-1]
        assert len(set(tried)) == TRIES, "a port that is taken is not tried again"


def test_the_last_failure_is_raised() -> None:
    def start(ports: list[int]) -> None:
        raise PortTakenError(f"{ports} in use")

    with pytest.raises(PortTakenError):
        on_free_ports(1, start)
