"""Attempts as in tests/agent: the same remotes, specs, pods and sshd."""

from tests.agent.conftest import (
    certificate,
    claude,
    code_spec,
    docs_spec,
    github,
    secretlint,
    seeds,
    shop,
    ssh_server,
    ssh_world,
    world,
)

__all__ = [
    "certificate",
    "claude",
    "code_spec",
    "docs_spec",
    "github",
    "secretlint",
    "seeds",
    "shop",
    "ssh_server",
    "ssh_world",
    "world",
]
