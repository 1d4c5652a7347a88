"""The functions on their way from GitHub (`stage`) and to it (`room`), as the tests of GitHub have them."""

from tests.github.conftest import api, client, clock, forgetting, github, namespace, room, stage

__all__ = ["api", "client", "clock", "forgetting", "github", "namespace", "room", "stage"]
