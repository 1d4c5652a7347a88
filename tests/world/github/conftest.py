"""Fixtures of tests/github: `bench` for deliveries, `reporting` for reports, and their parts."""

from tests.github.conftest import api, bench, client, clock, forgetting, github, namespace, reporting

__all__ = ["api", "bench", "client", "clock", "forgetting", "github", "namespace", "reporting"]
